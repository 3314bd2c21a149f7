#include "koi/dataset/text_corpus.h"

#include <algorithm>
#include <set>

#include "koi/base/error.h"
#include "koi/base/utf8.h"
#include "koi/dataset/transcript.h"
#include "koi/text/clean.h"

namespace koi::dataset {
namespace {

namespace fs = base::fs;

constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20;

bool is_text_file(const fs::path& path) {
  const std::string extension = base::lower_extension(path);
  return extension == ".txt" || extension == ".lab";
}

// Calls `on_line` with the lines of `text` until it gives false.
void for_lines(std::string_view text, const std::function<bool(std::string_view)>& on_line) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!on_line(line)) return;
  }
}

// "x.txt, line 3" where the first line that is no UTF-8 is.
std::string place_of_fault(const fs::path& file, std::string_view bytes) {
  size_t number = 0;
  for_lines(bytes, [&](std::string_view line) {
    ++number;
    return base::is_valid_utf8(line);
  });
  return file.string() + ", line " + std::to_string(number);
}

std::string decoded(const fs::path& file) {
  const std::string bytes = base::read_file(file, kMaxFileBytes);
  try {
    return decode_text(bytes, file.string(), TextRules::repaired);
  } catch (const Error&) {
    if (base::is_valid_utf8(bytes)) throw;
    // decode_text() again for its words, now with the line.
    return decode_text(bytes, place_of_fault(file, bytes), TextRules::repaired);
  }
}

std::string cleaned(std::string_view text, text::NumberReading numbers) {
  return text::clean_text(text::read_numbers(text::clean_transcript(text), numbers));
}

}  // namespace

TextFiles find_text_files(const std::vector<fs::path>& inputs) {
  std::set<fs::path> found;
  for (const fs::path& input : inputs) {
    std::error_code error;
    const bool is_folder = fs::is_directory(input, error);
    if (!is_folder && !fs::exists(input, error))
      throw Error(ErrorKind::not_found, input.string(), "no such file or folder");
    for (const fs::path& path :
         is_folder ? base::list_files(input, is_text_file) : std::vector<fs::path>{input})
      found.insert(fs::canonical(path));
  }
  if (found.empty()) {
    throw Error(ErrorKind::not_found, inputs.empty() ? "" : inputs.front().string(),
                "holds no text (.txt or .lab)");
  }
  TextFiles files{.paths = {found.begin(), found.end()}};
  for (const fs::path& path : files.paths) {
    std::error_code error;  // what cannot be read is reported when it is
    const uint64_t size = fs::file_size(path, error);
    if (!error) files.bytes += size;
  }
  return files;
}

void read_texts(const fs::path& file, text::NumberReading numbers,
                const std::function<void(const std::string& text)>& on_text) {
  const std::string text = decoded(file);
  const auto give = [&](std::string_view one) {
    const std::string clean = cleaned(one, numbers);
    if (!clean.empty()) on_text(clean);
    return true;
  };
  if (base::lower_extension(file) == ".lab") {
    give(text);
  } else {
    for_lines(text, give);
  }
}

}  // namespace koi::dataset
