// File lists: a line a recording, path|speaker|language|text.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "koi/base/files.h"
#include "koi/dataset/transcript.h"

namespace koi::dataset {

// What was left out, and why in one line that names it.
struct LeftOut {
  std::string where;  // a file, or "x.list, line 3"
  std::string reason;
};
using LeftOutSink = std::function<void(const LeftOut&)>;

struct ListLine {
  std::string where;  // "x.list, line 3"
  std::string path, speaker, language, text;
};

// The lines of a list, each cut at its first three bars; ones with fewer go to `left_out`. White
// space around a line is not looked at; repaired, empty lines and those that begin with # are
// skipped. Throws as read_file and decode_text.
std::vector<ListLine> read_file_list(const base::fs::path& list, TextRules rules,
                                     const LeftOutSink& left_out);

// A line's path as it stands (from the working folder), or else from the folder of its list, where
// there is such a file; empty where there is none.
base::fs::path find_listed(const std::string& path, const base::fs::path& list);

// As Python's str.strip, for valid UTF-8.
std::string_view strip_space(std::string_view text);

// A line of a text file, with its place: "x.list, line 3".
struct NumberedLine {
  std::string where;
  std::string text;
};

// The lines of a file, empty ones too. Throws as read_file and decode_text.
std::vector<NumberedLine> read_lines(const base::fs::path& file, TextRules rules);

// The first of `names` that is a recording, looked up as find_listed() does. Throws
// Error(not_found) naming the first.
base::fs::path find_recording(const std::vector<std::string>& names, const base::fs::path& list,
                              const std::string& where);

// The words with their ends stripped. Throws Error(corrupt) where there are none.
std::string words_of(std::string_view text, const std::string& where);

}  // namespace koi::dataset
