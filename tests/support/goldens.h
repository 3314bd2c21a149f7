// The reference's recorded numbers. Their folder is the environment variable KOI_GOLDENS, by
// default tests/goldens. In the default set a missing file fails the test; in another set a part
// that is not there is reported as absent and the test ends at once.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace koi::test {

std::filesystem::path goldens_root();
std::filesystem::path golden(const std::string& relative);  // goldens_root() / relative
bool default_goldens();

// True where `relative` is there. Where it is not: a failure in the default set, a line "absent:
// ..." in another one.
bool have_golden(const std::string& relative);

nlohmann::json read_json(
    const std::filesystem::path& path);  // NaN, Infinity as bare words are read as null

}  // namespace koi::test

// At the head of a parity test: KOI_REQUIRE_GOLDEN("lm/forward/losses.json");
#define KOI_REQUIRE_GOLDEN(relative) \
  if (!::koi::test::have_golden(relative)) return
