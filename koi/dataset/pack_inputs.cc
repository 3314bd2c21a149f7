#include "koi/dataset/pack_inputs.h"

#include <map>
#include <string_view>

#include "koi/base/error.h"
#include "koi/base/listing.h"
#include "koi/dataset/file_list.h"

namespace koi::dataset {
namespace {

namespace fs = base::fs;

// Groups in the order in which their keys first come.
class Groups {
 public:
  explicit Groups(std::string source) : source_(std::move(source)) {}

  void add(const std::string& key, const std::string& name, PackEntry entry) {
    const auto [found, is_new] = index_.emplace(key, groups_.size());
    if (is_new) groups_.push_back({source_, name, {}});
    groups_[found->second].entries.push_back(std::move(entry));
  }
  std::vector<PackGroup> take() { return std::move(groups_); }

 private:
  std::string source_;
  std::map<std::string, size_t> index_;
  std::vector<PackGroup> groups_;
};

// The name of the folder that holds the codes. "." and ".." have none: the reference leaves the
// name empty, ours takes the folder's real one.
std::string speaker_of(const fs::path& folder, TextRules rules) {
  const std::string name = folder.filename().string();
  if (!name.empty() && name != "." && name != "..") return name;
  return rules == TextRules::reference ? "" : fs::canonical(folder).filename().string();
}

// What is packed of a cleaned transcript.
std::string spoken(const std::string& transcript, const std::string& where,
                   const PackOptions& options) {
  std::string text = text::read_numbers(transcript, options.numbers);
  if (text.empty() && !transcript.empty())
    throw Error(ErrorKind::corrupt, where, "nothing is left once its numbers are read");
  return text;
}

std::vector<PackGroup> read_folder(const fs::path& folder, const PackOptions& options,
                                   const FailureSink& failed) {
  const base::Listing listing =
      base::list_entries(folder, [](const fs::path& path) { return path.extension() == ".npy"; });
  for (const base::OddEntry& entry : listing.odd) {
    const Error error(ErrorKind::io, entry.path.string(), entry.what);
    failed({entry.path.string(), error.what()});
  }
  Groups groups("folder");
  for (const fs::path& file : listing.files) {
    const fs::path parent = file.parent_path();
    groups.add(parent.string(), speaker_of(parent, options.rules), {file});
  }
  return groups.take();
}

// The reference knows four names and stops at any other one.
void require_reference_language(std::string_view language, const std::string& where) {
  std::string lower(strip_space(language));
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (lower == "zh" || lower == "en" || lower == "ja" || lower == "jp") return;
  throw Error(ErrorKind::unsupported, where,
              "the reference stops at the language " + std::string(language));
}

// The entry of one line of a file list. The reference looks in the working folder only.
PackEntry list_entry(const ListLine& line, const fs::path& list, const PackOptions& options) {
  fs::path path = line.path;
  if (options.rules == TextRules::repaired) path = find_listed(line.path, list);
  std::error_code ignored;
  if (path.empty() || !fs::exists(path, ignored))
    throw Error(ErrorKind::not_found, line.where, "there is no file " + line.path);
  path.replace_extension(".npy");
  const std::string text = tidy_transcript(line.text, line.where, options.rules);
  return {path, spoken(text, line.where, options)};
}

std::vector<PackGroup> read_list(const fs::path& list, const PackOptions& options,
                                 const FailureSink& failed) {
  Groups groups("filelist");
  const auto left_out = [&](const LeftOut& bad) { failed({bad.where, bad.reason}); };
  for (const ListLine& line : read_file_list(list, options.rules, left_out)) {
    if (options.rules == TextRules::reference)
      require_reference_language(line.language, line.where);
    try {
      groups.add(line.speaker, line.speaker, list_entry(line, list, options));
    } catch (const Error& error) {
      failed({line.where, error.what()});
    }
  }
  return groups.take();
}

}  // namespace

std::vector<PackGroup> read_input(const fs::path& input, const PackOptions& options,
                                  const FailureSink& failed) {
  std::error_code ignored;
  if (!fs::exists(input, ignored))
    throw Error(ErrorKind::not_found, input.string(), "no such folder or file list");
  return fs::is_directory(input, ignored) ? read_folder(input, options, failed)
                                          : read_list(input, options, failed);
}

std::vector<fs::path> transcript_paths(const PackEntry& entry, const PackOptions& options) {
  std::vector<fs::path> paths;
  for (const std::string& extension : options.text_extensions)
    paths.push_back(fs::path(entry.codes).replace_extension(extension));
  return paths;
}

fs::path alignment_path(const PackEntry& entry) {
  return fs::path(entry.codes).replace_extension(".alignment");
}

std::vector<fs::path> shifted_paths(const PackEntry& entry) {
  std::vector<fs::path> paths;
  for (int number = 1;; ++number) {
    const fs::path path =
        fs::path(entry.codes).replace_extension(".shift" + std::to_string(number));
    std::error_code ignored;
    if (!fs::exists(path, ignored)) return paths;
    paths.push_back(path);
  }
}

std::vector<std::string> read_texts(const PackEntry& entry, const PackOptions& options) {
  if (entry.text) return {*entry.text};
  std::vector<std::string> texts;
  for (const fs::path& path : transcript_paths(entry, options))
    texts.push_back(spoken(read_transcript(path, options.rules), path.string(), options));
  return texts;
}

}  // namespace koi::dataset
