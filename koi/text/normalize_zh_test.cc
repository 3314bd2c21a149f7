#include "koi/text/normalize_zh.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/base/utf8.h"

namespace koi::text {
namespace {

TEST(NormalizeChinese, refuses_invalid_utf8) { EXPECT_THROW(normalize_chinese("3个\xFF"), Error); }

// Without blocks each of these takes time that grows with the square of its length.
TEST(NormalizeChinese, a_megabyte_takes_seconds_at_most) {
  constexpr size_t kMegabyte = size_t{1} << 20;
  const std::string ones = normalize_chinese(std::string(kMegabyte, '1'));
  EXPECT_EQ(ones.size(), 3 * kMegabyte);  // 一 has three bytes
  std::string pieces;
  while (pieces.size() < kMegabyte) pieces += "12个和" + std::to_string(pieces.size()) + "a";
  EXPECT_TRUE(base::is_valid_utf8(normalize_chinese(pieces)));
}

TEST(NormalizeChinese, blocks_end_behind_sentences) {
  std::string text, said;
  for (int i = 0; i < 2000; ++i) {
    text += "有12个，5％。";
    said += "有十二个，百分之五。";
  }
  EXPECT_EQ(normalize_chinese(text), said);
}

// 86 belongs to the number with or without a space; two numbers cannot share the text between them.
TEST(NormalizeChinese, telephone_numbers_lose_their_signs) {
  EXPECT_EQ(normalize_chinese("打8613800138000吧，打0311-1234567吧"),
            "打八六一三八零零一三八零零零吧，打零三一一一二三四五六七吧");
}

}  // namespace
}  // namespace koi::text
