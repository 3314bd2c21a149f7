// Text files as a person leaves them beside recordings.
#pragma once

#include <string>

#include "koi/base/files.h"

namespace koi::dataset {

enum class TextRules {
  repaired,   // byte order marks removed, UTF-16 decoded
  reference,  // strict UTF-8, everything kept
};

// `bytes` as UTF-8 with "\n" for "\r\n" and "\r". Repaired, UTF-16 is known by its mark, or by NUL
// in every other byte. Throws Error(corrupt) naming `where` for invalid UTF-8 or UTF-16 and,
// repaired, for NUL characters.
std::string decode_text(std::string bytes, const std::string& where, TextRules rules);

// The transcript in a file, cleaned (text::clean_transcript). Repaired, the ends are stripped and
// an empty transcript is an Error(corrupt). Throws as read_file does, a file over 1 MiB is refused.
std::string read_transcript(const base::fs::path& path, TextRules rules);

// The same for a text that is decoded already.
std::string tidy_transcript(const std::string& text, const std::string& where, TextRules rules);

}  // namespace koi::dataset
