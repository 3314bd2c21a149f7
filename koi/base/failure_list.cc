#include "koi/base/failure_list.h"

#include <algorithm>
#include <map>
#include <regex>

#include "koi/base/error.h"

namespace koi::base {
namespace {

constexpr const char* kPrefix = "koi-failures-";
constexpr const char* kExtension = ".tsv";

// The message behind its place.
std::string reason_of(const Failure& failure) {
  const std::string place = printable(failure.path) + ": ";
  const size_t at = failure.message.find(place);
  return at == std::string::npos ? failure.message : failure.message.substr(at + place.size());
}

void remove_earlier(const fs::path& folder, const std::string& command, const Share& share) {
  const std::regex earlier(kPrefix + command + "(-[0-9]+-of-([0-9]+))?" + kExtension);
  const std::string ranks = std::to_string(share.ranks);
  for (const fs::path& path : list_files(folder, is_failure_list, /*recursive=*/false)) {
    const std::string name = path.filename().string();
    std::smatch match;
    const bool is_one = std::regex_match(name, match, earlier);
    std::error_code ignored;
    if (is_one && match[2].str() != ranks) fs::remove(path, ignored);
  }
}

}  // namespace

std::string short_reason(const Failure& failure) {
  const std::string reason = reason_of(failure);
  size_t end = reason.size();
  for (const char* mark : {": ", "; ", ", ", " (", " [", " \""})
    end = std::min(end, reason.find(mark));
  std::string text;
  bool in_number = false;
  for (const char c : reason.substr(0, end)) {
    const bool digit = c >= '0' && c <= '9';
    if (digit && !in_number) text += 'N';
    in_number = digit || (in_number && c == '.');
    if (!in_number) text += c;
  }
  return text;
}

std::vector<std::pair<std::string, size_t>> count_reasons(const std::vector<Failure>& failures) {
  std::map<std::string, size_t> counts;
  for (const Failure& failure : failures) ++counts[short_reason(failure)];
  std::vector<std::pair<std::string, size_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

fs::path failure_list_path(const fs::path& folder, const std::string& command, const Share& share) {
  std::string name = kPrefix + command;
  if (!share.is_whole())
    name += "-" + std::to_string(share.rank) + "-of-" + std::to_string(share.ranks);
  return folder / (name + kExtension);
}

fs::path write_failure_list(const fs::path& folder, const std::string& command, const Share& share,
                            const std::vector<Failure>& failures) {
  const fs::path path = failure_list_path(folder, command, share);
  remove_earlier(folder, command, share);
  if (failures.empty()) {
    std::error_code ignored;
    fs::remove(path, ignored);
    return {};
  }
  std::string lines;
  for (const Failure& failure : failures)
    lines += printable(failure.path) + "\t" + reason_of(failure) + "\n";
  write_file(path, lines);
  return path;
}

bool is_failure_list(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(kPrefix) && name.ends_with(kExtension);
}

}  // namespace koi::base
