// The .npy cases written by numpy 1.26.4: values equal, everything damaged refused.
#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/checkpoint/elements.h"
#include "koi/checkpoint/npy.h"
#include "tests/support/goldens.h"

namespace koi::checkpoint {
namespace {

constexpr const char* kCases = "data/npy/cases.json";

nlohmann::json cases_under(const std::string& folder) {
  const nlohmann::json all = test::read_json(test::golden(kCases));
  nlohmann::json cases;
  for (const auto& [name, facts] : all.items()) {
    if (name.starts_with(folder) && test::have_golden("data/npy/" + name)) cases[name] = facts;
  }
  if (cases.empty()) test::report_absent("data/npy/" + folder);
  return cases;
}

void append_numbers(const nlohmann::json& nested, std::vector<double>& numbers) {
  if (nested.is_array()) {
    for (const auto& item : nested) append_numbers(item, numbers);
  } else {
    numbers.push_back(nested.is_boolean() ? nested.get<bool>() : nested.get<double>());
  }
}

std::vector<double> numbers_of(const nlohmann::json& nested) {
  std::vector<double> numbers;
  append_numbers(nested, numbers);
  return numbers;
}

base::fs::path file_of(const std::string& name) { return test::golden("data/npy/" + name); }

TEST(NpyParity, ReadsWhatNumpyWrites) {
  KOI_REQUIRE_GOLDEN(kCases);
  const auto cases = cases_under("good/");
  for (const auto& [name, facts] : cases.items()) {
    SCOPED_TRACE(name);
    const TensorView array = read_npy(file_of(name));
    EXPECT_EQ(array.shape, facts.at("shape").get<std::vector<int64_t>>());
    EXPECT_EQ(to_doubles(array), numbers_of(facts.at("values")));
  }
}

TEST(NpyParity, WritesTheBytesOfNumpy) {
  KOI_REQUIRE_GOLDEN(kCases);
  const auto cases = cases_under("good/");
  size_t compared = 0;
  for (const auto& [name, facts] : cases.items()) {
    SCOPED_TRACE(name);
    // koi writes version 1.0, C order, little-endian only.
    if (facts.at("version") != nlohmann::json({1, 0}) || facts.at("fortran_order") == true ||
        facts.at("descr").get<std::string>()[0] == '>')
      continue;
    EXPECT_EQ(npy_bytes(read_npy(file_of(name))), base::read_file(file_of(name)));
    ++compared;
  }
  if (compared == 0) test::report_absent("data/npy: a file of version 1.0 in C order");
}

TEST(NpyParity, ReadsOddHeadersThatNumpyAccepts) {
  KOI_REQUIRE_GOLDEN(kCases);
  const auto codes = numbers_of(test::read_json(test::golden(kCases)).at("codes"));
  const auto cases = cases_under("odd/");
  for (const auto& [name, facts] : cases.items()) {
    SCOPED_TRACE(name);
    const TensorView array = read_npy(file_of(name));
    EXPECT_EQ(array.shape, facts.at("shape").get<std::vector<int64_t>>());
    EXPECT_EQ(to_doubles(array) == codes, facts.at("equal_codes").get<bool>());
  }
}

// koi is stricter than numpy: a negative dimension, a structured type and a header that is no
// ASCII are refused too.
TEST(NpyParity, RefusesDamagedFiles) {
  KOI_REQUIRE_GOLDEN(kCases);
  const auto cases = cases_under("bad/");
  for (const auto& [name, facts] : cases.items()) {
    SCOPED_TRACE(name);
    try {
      read_npy(file_of(name));
      ADD_FAILURE() << "was read";
    } catch (const Error& error) {
      EXPECT_THAT(error.kind(), testing::AnyOf(ErrorKind::corrupt, ErrorKind::unsupported));
      EXPECT_THAT(error.what(), testing::StartsWith(file_of(name).string()));
    }
  }
}

}  // namespace
}  // namespace koi::checkpoint
