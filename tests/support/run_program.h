// Runs the real program (build/koi) or another one and keeps what it said.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace koi::test {

struct RunResult {
  int status = 0;  // exit status; 128 + n after signal n
  std::string out;
  std::string err;
  int64_t peak_rss_kib = 0;
  double cpu_s = 0;  // user and system
};

// `folder` is the working folder. argv[0] is looked up in PATH unless it holds a slash.
RunResult run(const std::vector<std::string>& argv, const std::filesystem::path& folder = ".");

// run() with the built koi in front.
RunResult koi(std::vector<std::string> arguments, const std::filesystem::path& folder = ".");

}  // namespace koi::test
