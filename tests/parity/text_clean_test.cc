// Cleaning and splitting equal the reference's (fish-speech 1.4.3, run and recorded; see
// tests/goldens/text). Strings: equal or wrong, no tolerance.
#include <gmock/gmock.h>

#include "koi/text/clean.h"
#include "koi/text/split.h"
#include "tests/support/goldens.h"

namespace koi::text {
namespace {

nlohmann::json cases_of(const std::string& golden) {
  nlohmann::json cases = test::read_json(test::golden(golden)).at("cases");
  EXPECT_FALSE(cases.empty()) << golden;
  return cases;
}

TEST(CleanParity, clean_text_equals_the_reference) {
  KOI_REQUIRE_GOLDEN("text/clean/clean_text.json");
  for (const auto& c : cases_of("text/clean/clean_text.json")) {
    const std::string out = clean_text(c.at("in").get<std::string>());
    EXPECT_EQ(out, c.at("out").get<std::string>()) << c;
    EXPECT_EQ(clean_text(out), c.value("again", out)) << c;
  }
}

TEST(CleanParity, clean_transcript_equals_the_packer) {
  KOI_REQUIRE_GOLDEN("text/clean/build_dataset.json");
  for (const auto& c : cases_of("text/clean/build_dataset.json"))
    EXPECT_EQ(clean_transcript(c.at("in").get<std::string>()), c.at("out").get<std::string>()) << c;
}

TEST(SplitParity, segments_equal_the_reference) {
  KOI_REQUIRE_GOLDEN("text/split/split_text.json");
  for (const auto& c : cases_of("text/split/split_text.json")) {
    ASSERT_FALSE(c.at("length").empty());
    for (const size_t max_bytes : c.at("length")) {
      EXPECT_EQ(split_text(c.at("in").get<std::string>(), max_bytes),
                c.at("out").get<std::vector<std::string>>())
          << c << " at " << max_bytes;
    }
  }
}

}  // namespace
}  // namespace koi::text
