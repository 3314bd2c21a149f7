#include "koi/dataset/pack_inputs.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>

#include "koi/base/error.h"
#include "koi/base/parallel.h"
#include "koi/base/utf8.h"
#include "koi/text/unicode.h"

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

std::vector<std::string> read_texts(const fs::path& codes, const PackOptions& options) {
  std::vector<std::string> texts;
  for (const std::string& extension : options.text_extensions) {
    fs::path path = codes;
    path.replace_extension(extension);
    texts.push_back(read_transcript(path, options.rules));
  }
  return texts;
}

std::vector<PackGroup> read_folder(const fs::path& folder, const PackOptions& options,
                                   const FailureSink& failed) {
  const std::vector<fs::path> files =
      base::list_files(folder, [](const fs::path& path) { return path.extension() == ".npy"; });
  struct Read {
    std::vector<std::string> texts;
    std::optional<std::string> reason;
  };
  std::vector<Read> reads(files.size());
  base::parallel_for(files.size(), options.num_workers, [&](size_t i) {
    try {
      reads[i].texts = read_texts(files[i], options);
    } catch (const Error& error) {
      reads[i].reason = error.what();
    }
  });

  Groups groups("folder");
  for (size_t i = 0; i < files.size(); ++i) {
    if (reads[i].reason) {
      failed({files[i].string(), "no transcript: " + *reads[i].reason});
      continue;
    }
    const fs::path parent = files[i].parent_path();
    groups.add(parent.string(), speaker_of(parent, options.rules),
               {files[i], std::move(reads[i].texts)});
  }
  return groups.take();
}

// As Python's str.strip.
std::string_view strip(std::string_view line) {
  size_t begin = line.size();
  size_t end = 0;
  for (size_t i = 0; i < line.size();) {
    const size_t at = i;
    if (text::is_python_space(base::next_code_point(line, i))) continue;
    begin = std::min(begin, at);
    end = i;
  }
  return begin < end ? line.substr(begin, end - begin) : std::string_view{};
}

struct ListLine {
  std::string_view path, speaker, language, text;
};

// Cut at the first three bars; nothing where there are fewer.
std::optional<ListLine> parse_line(std::string_view line) {
  std::array<std::string_view, 3> fields;
  for (std::string_view& field : fields) {
    const size_t bar = line.find('|');
    if (bar == std::string_view::npos) return std::nullopt;
    field = line.substr(0, bar);
    line.remove_prefix(bar + 1);
  }
  return ListLine{fields[0], fields[1], fields[2], line};
}

// The reference knows four names and stops at any other one.
void require_reference_language(std::string_view language, const std::string& where) {
  std::string lower(strip(language));
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (lower == "zh" || lower == "en" || lower == "ja" || lower == "jp") return;
  throw Error(ErrorKind::unsupported, where,
              "the reference stops at the language " + std::string(language));
}

// The entry of one line of a file list. Throws Error with `where`.
PackEntry list_entry(const ListLine& line, const std::string& where, TextRules rules) {
  fs::path path = std::string(line.path);
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    throw Error(ErrorKind::not_found, where, "there is no file " + path.string());
  path.replace_extension(".npy");
  return {path, {tidy_transcript(std::string(line.text), where, rules)}};
}

std::vector<PackGroup> read_list(const fs::path& list, const PackOptions& options,
                                 const FailureSink& failed) {
  const bool repaired = options.rules == TextRules::repaired;
  const std::string text = decode_text(base::read_file(list), list.string(), options.rules);
  Groups groups("filelist");
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = strip(std::string_view(text).substr(begin, end - begin));
    begin = end + 1;
    const std::string where = list.string() + ", line " + std::to_string(++number);
    if (repaired && (line.empty() || line.starts_with('#'))) continue;
    const std::optional<ListLine> parsed = parse_line(line);
    if (!parsed) {
      const Error error(ErrorKind::corrupt, where, "is not path|speaker|language|text");
      failed({where, error.what()});
      continue;
    }
    if (!repaired) require_reference_language(parsed->language, where);
    try {
      const std::string speaker(parsed->speaker);
      groups.add(speaker, speaker, list_entry(*parsed, where, options.rules));
    } catch (const Error& error) {
      failed({where, error.what()});
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

}  // namespace koi::dataset
