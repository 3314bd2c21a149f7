#include "koi/dataset/corpus_kaldi.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "koi/base/error.h"

namespace koi::dataset {
namespace {

namespace fs = base::fs;

// A line "key value" of one of Kaldi's files.
struct Line {
  std::string where;
  std::string key;
  std::string value;
};

std::vector<Line> read_keyed(const fs::path& file) {
  std::vector<Line> lines;
  for (const NumberedLine& line : read_lines(file, TextRules::repaired)) {
    const std::string_view text = strip_space(line.text);
    if (text.empty()) continue;
    const size_t key = std::min(text.find_first_of(" \t"), text.size());
    const std::string_view value = strip_space(text.substr(key));
    lines.push_back({line.where, std::string(text.substr(0, key)), std::string(value)});
  }
  return lines;
}

// By their keys; a key that comes again is left out.
std::map<std::string, Line> read_table(const fs::path& file, const LeftOutSink& left_out) {
  std::map<std::string, Line> table;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return table;
  for (Line& line : read_keyed(file)) {
    const std::string where = line.where, key = line.key;
    if (table.emplace(key, std::move(line)).second) continue;
    left_out({where, Error(ErrorKind::corrupt, where, "names " + key + " again").what()});
  }
  return table;
}

double seconds_of(std::string_view text, const std::string& where) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value < 1e9))
    throw Error(ErrorKind::corrupt, where, "is not a time in seconds: " + std::string(text));
  return value;
}

// "recording begin end"
struct Segment {
  std::string recording;
  Part part;
};

Segment parse_segment(const Line& line) {
  std::vector<std::string_view> fields;
  for (std::string_view rest = line.value; !rest.empty();) {
    fields.push_back(rest.substr(0, rest.find_first_of(" \t")));
    rest = strip_space(rest.substr(fields.back().size()));
  }
  if (fields.size() != 3)
    throw Error(ErrorKind::corrupt, line.where, "is not utterance recording begin end");
  const Part part{seconds_of(fields[1], line.where), seconds_of(fields[2], line.where)};
  if (part.end_s <= part.begin_s)
    throw Error(ErrorKind::corrupt, line.where, "ends before it begins");
  return {std::string(fields[0]), part};
}

class KaldiFolder {
 public:
  KaldiFolder(const fs::path& folder, const std::string& speaker, const LeftOutSink& left_out)
      : scp_(folder / "wav.scp"),
        has_segments_(fs::exists(folder / "segments")),
        speaker_(speaker),
        left_out_(left_out),
        recordings_(read_table(scp_, left_out)),
        segments_(read_table(folder / "segments", left_out)),
        speakers_(read_table(folder / "utt2spk", left_out)),
        texts_(read_keyed(folder / "text")) {}

  std::vector<CorpusEntry> entries() {
    std::vector<CorpusEntry> entries;
    std::set<std::string> known;
    for (const Line& text : texts_) {
      try {
        if (!known.insert(text.key).second)
          throw Error(ErrorKind::corrupt, text.where, "names " + text.key + " again");
        entries.push_back(entry(text));
      } catch (const Error& error) {
        left_out_({text.where, error.what()});
      }
    }
    for (const auto& [utterance, line] : has_segments_ ? segments_ : recordings_) {
      if (known.contains(utterance)) continue;
      left_out_(
          {line.where,
           Error(ErrorKind::not_found, line.where, "there is no text of " + utterance).what()});
    }
    return entries;
  }

 private:
  CorpusEntry entry(const Line& text) const {
    CorpusEntry entry{.where = text.where,
                      .recording = {},
                      .name = text.key,
                      .speaker = speaker_,
                      .language = {},
                      .text = words_of(text.value, text.where)};
    std::string recording = text.key;
    if (has_segments_) {
      const auto found = segments_.find(text.key);
      if (found == segments_.end())
        throw Error(ErrorKind::not_found, text.where, "there is no segment " + text.key);
      const Segment segment = parse_segment(found->second);
      recording = segment.recording;
      entry.part = segment.part;
    }
    entry.recording = path_of(recording, text.where);
    if (const auto found = speakers_.find(text.key); found != speakers_.end())
      entry.speaker = found->second.value;
    return entry;
  }

  fs::path path_of(const std::string& recording, const std::string& where) const {
    const auto found = recordings_.find(recording);
    if (found == recordings_.end())
      throw Error(ErrorKind::not_found, where,
                  "there is no recording " + recording + " in wav.scp");
    const Line& line = found->second;
    if (line.value.ends_with('|')) {
      throw Error(ErrorKind::unsupported, line.where, "is a command, which koi does not run",
                  "write its output into a file and name that");
    }
    return find_recording({line.value}, scp_, line.where);
  }

  fs::path scp_;
  bool has_segments_;
  const std::string& speaker_;
  const LeftOutSink& left_out_;
  std::map<std::string, Line> recordings_, segments_, speakers_;
  std::vector<Line> texts_;
};

}  // namespace

std::vector<CorpusEntry> read_kaldi(const fs::path& folder, const std::string& speaker,
                                    const LeftOutSink& left_out) {
  return KaldiFolder(folder, speaker, left_out).entries();
}

}  // namespace koi::dataset
