// The reference's recorded numbers. Their folder is the environment variable KOI_GOLDENS, by
// default tests/goldens. In the default set a missing part fails the test; in another set it is
// reported in a line "absent: ..." (`make parity` lists them) and the rest is compared.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace koi::test {

std::filesystem::path goldens_root();                       // absolute
std::filesystem::path golden(const std::string& relative);  // goldens_root() / relative
bool default_goldens();

// Says that the set lacks `part`: a failure in the default set and where there is no set at all.
void report_absent(const std::string& part);

// True where the file or folder, or the key of a recorded object, is there; else it is reported.
bool have_golden(const std::string& relative);
bool has_part(const nlohmann::json& record, const std::string& key);

// The recorded checkpoint lm/tiny, and a recorded batch: `prefix` + "_inputs.npy", "_labels.npy",
// "_attention_masks.npy".
bool have_model();
bool have_batch(const std::string& prefix);

// A part of the set whose name says more: {"stride32.npy", {"32"}} for the pattern
// R"(stride(\d+)\.npy)".
struct NamedPart {
  std::string name;
  std::vector<std::string> groups;
};
// The files of a folder, or keys of a recorded object, whose whole name matches, in order of names.
// Where there is none, that is reported.
std::vector<NamedPart> find_goldens(const std::string& folder, const std::string& pattern);
std::vector<NamedPart> find_parts(const nlohmann::json& record, const std::string& pattern);

nlohmann::json read_json(
    const std::filesystem::path& path);  // NaN, Infinity as bare words are read as null

}  // namespace koi::test

// At the head of a parity test, for what it cannot do without:
// KOI_REQUIRE_GOLDEN("lm/forward/losses.json");
#define KOI_REQUIRE_GOLDEN(relative) \
  if (!::koi::test::have_golden(relative)) return
