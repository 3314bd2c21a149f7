#include "koi/dataset/file_list.h"

#include <algorithm>
#include <array>

#include "koi/base/error.h"
#include "koi/base/utf8.h"
#include "koi/text/unicode.h"

namespace koi::dataset {

namespace fs = base::fs;

std::string_view strip_space(std::string_view text) {
  size_t begin = text.size();
  size_t end = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t at = i;
    if (text::is_python_space(base::next_code_point(text, i))) continue;
    begin = std::min(begin, at);
    end = i;
  }
  return begin < end ? text.substr(begin, end - begin) : std::string_view{};
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    lines.push_back(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.size(), lines.back().size() + 1));
  }
  return lines;
}

std::vector<ListLine> read_file_list(const fs::path& list, TextRules rules,
                                     const LeftOutSink& left_out) {
  const std::string text = decode_text(base::read_file(list), list.string(), rules);
  std::vector<ListLine> lines;
  size_t number = 0;
  for (const std::string_view raw : lines_of(text)) {
    const std::string where = list.string() + ", line " + std::to_string(++number);
    std::string_view rest = strip_space(raw);
    if (rules == TextRules::repaired && (rest.empty() || rest.starts_with('#'))) continue;
    if (std::count(rest.begin(), rest.end(), '|') < 3) {
      left_out(
          {where, Error(ErrorKind::corrupt, where, "is not path|speaker|language|text").what()});
      continue;
    }
    std::array<std::string, 3> fields;
    for (std::string& field : fields) {
      field = rest.substr(0, rest.find('|'));
      rest.remove_prefix(field.size() + 1);
    }
    lines.push_back({where, fields[0], fields[1], fields[2], std::string(rest)});
  }
  return lines;
}

fs::path find_listed(const std::string& path, const fs::path& list) {
  std::error_code ignored;
  for (const fs::path& candidate : {fs::path(path), list.parent_path() / path}) {
    if (fs::exists(candidate, ignored)) return candidate;
  }
  return {};
}

}  // namespace koi::dataset
