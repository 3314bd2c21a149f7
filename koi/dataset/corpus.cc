#include "koi/dataset/corpus.h"

#include <algorithm>
#include <map>

#include "koi/base/error.h"
#include "koi/dataset/corpus_kaldi.h"

namespace koi::dataset {
namespace {

namespace fs = base::fs;

std::vector<std::string> fields_of(std::string_view line, char separator) {
  std::vector<std::string> fields;
  for (;;) {
    const size_t end = line.find(separator);
    fields.emplace_back(line.substr(0, end));
    if (end == std::string_view::npos) return fields;
    line.remove_prefix(end + 1);
  }
}

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(ErrorKind::corrupt, where, what);
}

// Calls `read` with each line that is not empty; its Errors leave the line out.
void for_each_line(const fs::path& file, const LeftOutSink& left_out,
                   const std::function<void(const std::string&, const std::string&)>& read) {
  for (const NumberedLine& line : read_lines(file, TextRules::repaired)) {
    if (strip_space(line.text).empty()) continue;
    try {
      read(line.text, line.where);
    } catch (const Error& error) {
      left_out({line.where, error.what()});
    }
  }
}

std::vector<CorpusEntry> read_list(const fs::path& list, const LeftOutSink& left_out) {
  std::vector<CorpusEntry> entries;
  for (const ListLine& line : read_file_list(list, TextRules::repaired, left_out)) {
    try {
      const fs::path recording = find_recording({line.path}, list, line.where);
      entries.push_back({line.where,
                         recording,
                         {},
                         recording.stem().string(),
                         line.speaker,
                         line.language,
                         words_of(line.text, line.where)});
    } catch (const Error& error) {
      left_out({line.where, error.what()});
    }
  }
  return entries;
}

std::vector<CorpusEntry> read_ljspeech(const fs::path& csv, const std::string& speaker,
                                       const LeftOutSink& left_out) {
  std::vector<CorpusEntry> entries;
  for_each_line(csv, left_out, [&](const std::string& line, const std::string& where) {
    const auto fields = fields_of(line, '|');
    if (fields.size() < 2 || fields.size() > 3) fail(where, "is not id|text|normalized text");
    const bool normalized = fields.size() == 3 && !strip_space(fields[2]).empty();
    const std::string id(strip_space(fields[0]));
    const fs::path recording = find_recording(
        {"wavs/" + id + ".wav", "wavs/" + id + ".flac", "wavs/" + id + ".mp3", "wavs/" + id, id},
        csv, where);
    entries.push_back({where,
                       recording,
                       {},
                       recording.stem().string(),
                       speaker,
                       "",
                       words_of(fields[normalized ? 2 : 1], where)});
  });
  return entries;
}

// A quoted field, as spreadsheets write those with quotes in them: "He said ""no"".".
std::string unquoted(const std::string& field) {
  if (field.size() < 2 || field.front() != '"' || field.back() != '"') return field;
  std::string text;
  for (size_t i = 1; i + 1 < field.size(); ++i) {
    text += field[i];
    if (field[i] == '"' && field[i + 1] == '"' && i + 2 < field.size()) ++i;
  }
  return text;
}

std::vector<CorpusEntry> read_common_voice(const fs::path& tsv, const std::string& speaker,
                                           const LeftOutSink& left_out) {
  std::vector<CorpusEntry> entries;
  std::map<std::string, size_t> columns;
  for_each_line(tsv, left_out, [&](const std::string& line, const std::string& where) {
    const auto fields = fields_of(line, '\t');
    if (columns.empty()) {
      for (size_t i = 0; i < fields.size(); ++i) columns.emplace(strip_space(fields[i]), i);
      return;
    }
    if (fields.size() < columns.size()) {
      fail(where, "has " + std::to_string(fields.size()) + " columns, expected " +
                      std::to_string(columns.size()));
    }
    const auto field = [&](const char* name) {
      const auto column = columns.find(name);
      return column == columns.end() ? std::string() : fields[column->second];
    };
    const std::string path = field("path"), client = field("client_id");
    const fs::path recording =
        find_recording({"clips/" + path, "clips/" + path + ".mp3", path}, tsv, where);
    entries.push_back({where,
                       recording,
                       {},
                       recording.stem().string(),
                       client.empty() ? speaker : client,
                       field("locale"),
                       words_of(unquoted(field("sentence")), where)});
  });
  if (!columns.contains("path") || !columns.contains("sentence")) {
    throw Error(ErrorKind::corrupt, tsv.string(), "has no columns path and sentence",
                "give a .tsv of Common Voice, or another --format");
  }
  return entries;
}

constexpr char kWavScp[] = "wav.scp";
constexpr char kMetadata[] = "metadata.csv";
constexpr char kValidated[] = "validated.tsv";

// The main file of a corpus in a folder.
fs::path main_file(const fs::path& source, const char* name) {
  std::error_code ignored;
  return fs::is_directory(source, ignored) ? source / name : source;
}

}  // namespace

CorpusKind detect_corpus(const fs::path& source) {
  std::error_code ignored;
  if (!fs::is_directory(source, ignored)) {
    if (!fs::exists(source, ignored))
      throw Error(ErrorKind::not_found, source.string(), "no such file or folder");
    if (source.filename() == kWavScp) return CorpusKind::kaldi;
    if (source.filename() == kMetadata) return CorpusKind::ljspeech;
    if (base::lower_extension(source) == ".tsv") return CorpusKind::common_voice;
    return CorpusKind::file_list;
  }
  if (fs::exists(source / kWavScp, ignored)) return CorpusKind::kaldi;
  if (fs::exists(source / kMetadata, ignored)) return CorpusKind::ljspeech;
  if (fs::exists(source / kValidated, ignored)) return CorpusKind::common_voice;
  throw Error(
      ErrorKind::not_found, source.string(),
      "holds none of wav.scp (Kaldi), metadata.csv (LJSpeech), validated.tsv (Common Voice)",
      "give the folder that does, or a file list");
}

std::vector<CorpusEntry> read_corpus(const fs::path& source, CorpusKind kind,
                                     const std::string& speaker, const LeftOutSink& left_out) {
  switch (kind) {
    case CorpusKind::ljspeech:
      return read_ljspeech(main_file(source, kMetadata), speaker, left_out);
    case CorpusKind::common_voice:
      return read_common_voice(main_file(source, kValidated), speaker, left_out);
    case CorpusKind::kaldi:
      return read_kaldi(main_file(source, kWavScp).parent_path(), speaker, left_out);
    case CorpusKind::file_list:
      break;
  }
  return read_list(source, left_out);
}

}  // namespace koi::dataset
