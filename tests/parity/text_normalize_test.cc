// Chinese numbers are read as the reference reads them (fish-speech 1.4.3, run and recorded; see
// tests/goldens/text/normalize_zh). Strings: equal or wrong, no tolerance.
#include <gmock/gmock.h>

#include "koi/base/utf8.h"
#include "koi/text/chinese_number.h"
#include "koi/text/normalize_zh.h"
#include "tests/support/goldens.h"

namespace koi::text {
namespace {

nlohmann::json cases_of(const std::string& golden) {
  nlohmann::json cases = test::read_json(test::golden(golden)).at("cases");
  EXPECT_FALSE(cases.empty()) << golden;
  return cases;
}

TEST(NormalizeParity, texts_equal_the_reference) {
  KOI_REQUIRE_GOLDEN("text/normalize_zh/normalize.json");
  for (const auto& c : cases_of("text/normalize_zh/normalize.json"))
    EXPECT_EQ(normalize_chinese(c.at("in").get<std::string>()), c.at("out").get<std::string>())
        << c;
}

TEST(NormalizeParity, numbers_equal_the_reference) {
  KOI_REQUIRE_GOLDEN("text/normalize_zh/numbers.json");
  for (const auto& c : cases_of("text/normalize_zh/numbers.json")) {
    const std::u32string number = base::to_utf32(c.at("in").get<std::string>(), "in");
    if (c.contains("cardinal")) {
      EXPECT_EQ(base::to_utf8(chinese_cardinal(number)), c.at("cardinal")) << c;
    }
    if (c.contains("digits")) {
      EXPECT_EQ(base::to_utf8(chinese_digits(number)), c.at("digits")) << c;
    }
  }
}

}  // namespace
}  // namespace koi::text
