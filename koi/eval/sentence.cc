#include "koi/eval/sentence.h"

#include <algorithm>
#include <map>
#include <set>

#include "koi/audio/audio_file.h"
#include "koi/base/error.h"
#include "koi/dataset/file_list.h"
#include "koi/dataset/transcript.h"
#include "koi/text/unicode.h"

namespace koi::eval {
namespace {

namespace fs = base::fs;

constexpr size_t kMaxNameBytes = 200;  // and ".wav" behind it, within 255

void check_text(const std::string& text, const std::string& where) {
  if (text.empty()) {
    throw Error(ErrorKind::corrupt, where, "has no text to say",
                "write NAME, a tab and the text in each line");
  }
  if (text.size() > kMaxTextBytes) {
    throw Error(ErrorKind::corrupt, where,
                "has " + std::to_string(text.size()) + " bytes of text, " +
                    std::to_string(kMaxTextBytes) + " at most were expected",
                "give it as several sentences");
  }
}

std::vector<Sentence> read_list(const fs::path& list) {
  std::vector<Sentence> sentences;
  std::set<std::string> names;
  for (const auto& [where, line] : dataset::read_lines(list, dataset::TextRules::repaired)) {
    if (dataset::strip_space(line).empty() || line.front() == '#') continue;
    const size_t tab = line.find('\t');
    const std::string name(dataset::strip_space(line.substr(0, tab)));
    check_name(name, where);
    std::string text;
    if (tab != std::string::npos)
      text = dataset::tidy_transcript(line.substr(tab + 1), where, dataset::TextRules::repaired);
    check_text(text, where);
    if (!names.insert(text::composed_name(name)).second)
      throw Error(ErrorKind::corrupt, where, "the name " + name + " comes a second time");
    sentences.push_back({name, std::move(text)});
  }
  return sentences;
}

std::vector<Sentence> read_folder(const fs::path& folder) {
  const auto is_transcript = [](const fs::path& path) { return path.extension() == ".lab"; };
  std::vector<Sentence> sentences;
  for (const fs::path& path : base::list_files(folder, is_transcript, /*recursive=*/false)) {
    check_name(path.stem().string(), path.string());
    std::string text = dataset::read_transcript(path, dataset::TextRules::repaired);
    check_text(text, path.string());
    sentences.push_back({path.stem().string(), std::move(text)});
  }
  return sentences;
}

std::map<std::string, fs::path> recordings_of(const fs::path& folder) {
  std::map<std::string, fs::path> found;
  for (const fs::path& path : base::list_files(folder, audio::is_audio_path, /*recursive=*/false)) {
    const auto [other, is_new] = found.emplace(text::composed_name(path.stem().string()), path);
    if (!is_new) {
      throw Error(ErrorKind::usage, path.string(),
                  "has the name of " + other->second.filename().string(),
                  "keep one recording of a name");
    }
  }
  return found;
}

}  // namespace

void check_name(const std::string& name, const std::string& where) {
  const bool has_control = std::any_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
  if (name.empty() || name.size() > kMaxNameBytes || name.front() == '.' || has_control ||
      name.find('/') != std::string::npos) {
    throw Error(ErrorKind::corrupt, where, "the name \"" + name + "\" cannot be a file's",
                "a name has 1 to 200 bytes, no '/' and no control character, no '.' in front");
  }
}

std::vector<Sentence> read_sentences(const fs::path& list, const fs::path& recordings) {
  std::error_code ignored;
  const bool is_folder = fs::is_directory(list, ignored);
  std::vector<Sentence> sentences = is_folder ? read_folder(list) : read_list(list);
  if (sentences.empty()) {
    throw Error(ErrorKind::not_found, list.string(),
                is_folder ? "holds no .lab" : "holds no line NAME<tab>TEXT");
  }
  if (recordings.empty() && !is_folder) return sentences;

  const fs::path& folder = recordings.empty() ? list : recordings;
  const auto found = recordings_of(folder);
  bool any = false;
  for (Sentence& sentence : sentences) {
    const auto recording = found.find(text::composed_name(sentence.name));
    if (recording == found.end()) continue;
    sentence.recording = recording->second;
    any = true;
  }
  if (!any && !recordings.empty()) {
    throw Error(ErrorKind::not_found, folder.string(), "holds no recording of any of the sentences",
                "a recording is called like its sentence: " + sentences.front().name + ".wav");
  }
  return sentences;
}

}  // namespace koi::eval
