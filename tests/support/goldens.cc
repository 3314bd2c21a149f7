#include "tests/support/goldens.h"

#include <cstdlib>
#include <iostream>
#include <regex>
#include <set>

#include "koi/base/files.h"

namespace koi::test {

namespace fs = std::filesystem;

namespace {

const fs::path kDefault = fs::path(KOI_SOURCE_DIR) / "tests/goldens";

std::vector<NamedPart> matching(const std::set<std::string>& names, const std::string& pattern) {
  const std::regex regex(pattern);
  std::vector<NamedPart> found;
  for (const std::string& name : names) {
    std::smatch match;
    if (std::regex_match(name, match, regex))
      found.push_back({name, std::vector<std::string>(match.begin() + 1, match.end())});
  }
  return found;
}

}  // namespace

fs::path goldens_root() {
  // Found once: tests change their working folder.
  static const fs::path root = [] {
    const char* set = std::getenv("KOI_GOLDENS");
    return set == nullptr || *set == '\0' ? kDefault : fs::absolute(set);
  }();
  return root;
}

fs::path golden(const std::string& relative) { return goldens_root() / relative; }

bool default_goldens() {
  std::error_code ignored;
  return fs::equivalent(goldens_root(), kDefault, ignored);
}

void report_absent(const std::string& part) {
  if (default_goldens()) {
    ADD_FAILURE() << "the goldens lack " << part;
  } else if (!fs::is_directory(goldens_root())) {
    ADD_FAILURE() << "KOI_GOLDENS: no folder " << goldens_root();
  } else {
    std::cout << "absent: " << part << " is not in " << goldens_root().string() << std::endl;
  }
}

bool have_golden(const std::string& relative) {
  if (fs::exists(golden(relative))) return true;
  report_absent(relative);
  return false;
}

bool has_part(const nlohmann::json& record, const std::string& key) {
  if (record.contains(key) && !record[key].is_null()) return true;
  report_absent("the part " + key + " of a record");
  return false;
}

bool have_model() {
  return have_golden("lm/tiny/config.json") && have_golden("lm/tiny/model.pth") &&
         have_golden("lm/tiny/tokenizer.json");
}

bool have_batch(const std::string& prefix) {
  return have_golden(prefix + "_inputs.npy") && have_golden(prefix + "_labels.npy") &&
         have_golden(prefix + "_attention_masks.npy");
}

std::vector<NamedPart> find_goldens(const std::string& folder, const std::string& pattern) {
  std::set<std::string> names;
  if (fs::is_directory(golden(folder))) {
    for (const auto& entry : fs::directory_iterator(golden(folder)))
      names.insert(entry.path().filename().string());
  }
  std::vector<NamedPart> found = matching(names, pattern);
  if (found.empty()) report_absent(folder + "/" + pattern);
  return found;
}

std::vector<NamedPart> find_parts(const nlohmann::json& record, const std::string& pattern) {
  std::set<std::string> names;
  for (const auto& [key, value] : record.items()) names.insert(key);
  std::vector<NamedPart> found = matching(names, pattern);
  if (found.empty()) report_absent("a part " + pattern + " of a record");
  return found;
}

nlohmann::json read_json(const fs::path& path) {
  const std::string text = base::read_file(path);
  static const std::regex kBareWords(R"((^|[\[,:\s])(-?Infinity|NaN)(?=[\],}\s]))");
  return nlohmann::json::parse(text.find("NaN") == std::string::npos &&
                                       text.find("Infinity") == std::string::npos
                                   ? text
                                   : std::regex_replace(text, kBareWords, "$1null"));
}

}  // namespace koi::test
