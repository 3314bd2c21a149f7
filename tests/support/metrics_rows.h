// The rows of a run's metrics.jsonl as two runs that do the same share them.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "koi/base/files.h"

namespace koi::test {

// Without the values that depend on time and memory; up to a line that is still being written. None
// where there is no file.
inline std::vector<nlohmann::json> metrics_rows(const std::filesystem::path& file) {
  std::vector<nlohmann::json> rows;
  if (!std::filesystem::exists(file)) return rows;
  std::istringstream lines(base::read_file(file));
  for (std::string line; std::getline(lines, line);) {
    rows.push_back(nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false));
    if (rows.back().is_discarded()) {
      rows.pop_back();
      break;
    }
    for (const char* key : {"tokens_per_s", "flops_per_s", "gemm_share", "memory_bytes",
                            "peak_memory_bytes", "time_left_s"})
      rows.back().erase(key);
  }
  return rows;
}

}  // namespace koi::test
