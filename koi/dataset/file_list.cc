#include "koi/dataset/file_list.h"

#include <algorithm>
#include <array>

#include "koi/base/error.h"
#include "koi/base/listing.h"
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

std::vector<NumberedLine> read_lines(const fs::path& file, TextRules rules) {
  const std::string text = decode_text(base::read_file(file), file.string(), rules);
  std::vector<NumberedLine> lines;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    lines.push_back(
        {file.string() + ", line " + std::to_string(lines.size() + 1), std::string(line)});
  }
  return lines;
}

std::vector<ListLine> read_file_list(const fs::path& list, TextRules rules,
                                     const LeftOutSink& left_out) {
  std::vector<ListLine> lines;
  for (const NumberedLine& line : read_lines(list, rules)) {
    std::string_view rest = strip_space(line.text);
    if (rules == TextRules::repaired && (rest.empty() || rest.starts_with('#'))) continue;
    if (std::count(rest.begin(), rest.end(), '|') < 3) {
      const Error error(ErrorKind::corrupt, line.where, "is not path|speaker|language|text");
      left_out({line.where, error.what()});
      continue;
    }
    std::array<std::string, 3> fields;
    for (std::string& field : fields) {
      field = rest.substr(0, rest.find('|'));
      rest.remove_prefix(field.size() + 1);
    }
    lines.push_back({line.where, fields[0], fields[1], fields[2], std::string(rest)});
  }
  return lines;
}

fs::path find_listed(const std::string& path, const fs::path& list) {
  return base::find_file(path, {list.parent_path()});
}

fs::path find_recording(const std::vector<std::string>& names, const fs::path& list,
                        const std::string& where) {
  for (const std::string& name : names) {
    const fs::path found = find_listed(name, list);
    if (!found.empty()) return found;
  }
  throw Error(ErrorKind::not_found, where, "there is no recording " + names.front());
}

std::string words_of(std::string_view text, const std::string& where) {
  const std::string words(strip_space(text));
  tidy_transcript(words, where, TextRules::repaired);  // throws where nothing is left
  return words;
}

}  // namespace koi::dataset
