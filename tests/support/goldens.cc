#include "tests/support/goldens.h"

#include <cstdlib>
#include <iostream>
#include <regex>

#include "koi/base/files.h"

namespace koi::test {

std::filesystem::path goldens_root() {
  const char* set = std::getenv("KOI_GOLDENS");
  if (set == nullptr || *set == '\0')
    return std::filesystem::path(KOI_SOURCE_DIR) / "tests/goldens";
  return set;
}

std::filesystem::path golden(const std::string& relative) { return goldens_root() / relative; }

bool default_goldens() {
  std::error_code ignored;
  return std::filesystem::equivalent(
      goldens_root(), std::filesystem::path(KOI_SOURCE_DIR) / "tests/goldens", ignored);
}

bool have_golden(const std::string& relative) {
  if (std::filesystem::exists(golden(relative))) return true;
  if (default_goldens()) {
    ADD_FAILURE() << "the goldens lack " << relative;
  } else {
    std::cout << "absent: " << relative << " is not in " << goldens_root() << "\n";
  }
  return false;
}

nlohmann::json read_json(const std::filesystem::path& path) {
  const std::string text = base::read_file(path);
  static const std::regex kBareWords(R"((^|[\[,:\s])(-?Infinity|NaN)(?=[\],}\s]))");
  return nlohmann::json::parse(text.find("NaN") == std::string::npos &&
                                       text.find("Infinity") == std::string::npos
                                   ? text
                                   : std::regex_replace(text, kBareWords, "$1null"));
}

}  // namespace koi::test
