#include "koi/codec_train/exclude_list.h"

#include <fmt/format.h>

#include "koi/base/error.h"
#include "koi/text/unicode.h"

namespace koi::codec_train {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 26;
constexpr size_t kShown = 3;  // names that nothing has

std::string comparable(const base::fs::path& path) {
  return text::composed_name(path.lexically_normal().generic_string());
}

base::fs::path below(const base::fs::path& path, const base::fs::path& folder) {
  const base::fs::path relative = base::fs::absolute(path).lexically_normal().lexically_relative(
      base::fs::absolute(folder).lexically_normal());
  return relative.empty() || *relative.begin() == ".." ? path : relative;
}

}  // namespace

ExcludeList::ExcludeList(const base::fs::path& file, const base::fs::path& folder) : file_(file) {
  const std::string text = base::read_file(file, kMostBytes);
  if (text.find('\0') != std::string::npos)
    throw Error(ErrorKind::corrupt, file.string(), "is no list of names: it holds zero bytes",
                "save it as UTF-8 (not UTF-16), a name a line");
  const std::string_view mark = "\xEF\xBB\xBF";  // a byte order mark is no part of the first name
  for (size_t begin = text.starts_with(mark) ? mark.size() : 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string name = text.substr(begin, end - begin);
    name.resize(std::min(name.find_first_of("\t\r"), name.size()));
    name.resize(name.find_last_not_of(' ') + 1);
    begin = end + 1;
    if (name.empty() || !line_of_.emplace(comparable(name), lines_.size()).second) continue;
    line_of_.emplace(comparable(below(name, folder)), lines_.size());
    lines_.push_back({.text = std::move(name)});
  }
}

bool ExcludeList::names(const base::fs::path& recording) {
  base::fs::path stem = recording;
  stem.replace_extension();
  bool named = false;
  for (const base::fs::path& name : {recording, stem, recording.filename(), stem.filename()}) {
    const auto found = line_of_.find(comparable(name));
    if (found == line_of_.end()) continue;
    lines_[found->second].used = true;
    named = true;
  }
  if (named) ++recordings_;
  return named;
}

std::string ExcludeList::describe() const {
  std::string text = fmt::format("{} recordings are never used: {}", recordings_, file_.string());
  std::string unused;
  size_t count = 0;
  for (const Line& line : lines_) {
    if (line.used || ++count > kShown) continue;
    unused += (count > 1 ? ", " : "") + line.text;
  }
  if (count == 0) return text;
  if (count > kShown) unused += ", ...";
  return text + fmt::format("; {} of its {} lines name none that is here: {}", count, lines_.size(),
                            unused);
}

}  // namespace koi::codec_train
