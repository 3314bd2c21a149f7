#include "koi/text/unicode.h"

#include <gtest/gtest.h>

#include "koi/base/utf8.h"

namespace koi::text {
namespace {

TEST(Unicode, white_space_of_python_has_the_separators_too) {
  EXPECT_TRUE(is_white_space(0x3000));
  EXPECT_TRUE(is_white_space(0x85));
  for (const char32_t none : {0x200BU, 0x180EU, 0xFEFFU}) EXPECT_FALSE(is_python_space(none));
  EXPECT_FALSE(is_white_space(0x1C));
  EXPECT_TRUE(is_python_space(0x1C));
}

TEST(Unicode, classes) {
  EXPECT_TRUE(is_punctuation('$'));
  EXPECT_TRUE(is_punctuation(U'、'));
  EXPECT_FALSE(is_punctuation(U'€'));
  EXPECT_TRUE(is_decimal_digit(U'٣'));
  EXPECT_FALSE(is_decimal_digit(U'½'));
  EXPECT_TRUE(is_numeric(U'½'));
  EXPECT_TRUE(is_word(U'가'));
  EXPECT_TRUE(is_word('_'));
  EXPECT_FALSE(is_word('-'));
  EXPECT_TRUE(is_upper(U'Ж'));
  EXPECT_TRUE(is_lower(U'ß'));
  for (const char32_t neither : {U'가', U'3', U'あ'})
    EXPECT_FALSE(is_upper(neither) || is_lower(neither));
  EXPECT_EQ(to_lower(U'É'), U'é');
  EXPECT_EQ(to_lower(U'가'), U'가');
}

TEST(Unicode, normal_forms) {
  EXPECT_EQ(to_normal_form("e\u0301\u1100\u1161", NormalForm::nfc), "é가");
  EXPECT_EQ(to_normal_form("é", NormalForm::nfd), "e\u0301");
  EXPECT_EQ(to_normal_form("ﬁ①", NormalForm::nfkc), "fi1");
  EXPECT_EQ(to_normal_form("ﬁ", NormalForm::nfc), "ﬁ");
  // Marks in canonical order, those of one class as they stood.
  EXPECT_EQ(to_normal_form("q\u0307\u0323\u0301", NormalForm::nfd), "q\u0323\u0307\u0301");
  EXPECT_EQ(to_normal_form(std::string("a\0b", 3), NormalForm::nfc), std::string("a\0b", 3));
}

TEST(Unicode, every_character_has_its_normal_forms) {
  for (char32_t code = 0; code < 0x110000; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    const std::string text = base::to_utf8({&code, 1});
    const std::string nfkd = to_normal_form(text, NormalForm::nfkd);
    ASSERT_EQ(to_normal_form(nfkd, NormalForm::nfkd), nfkd) << static_cast<uint32_t>(code);
    const std::string nfc = to_normal_form(text, NormalForm::nfc);
    ASSERT_EQ(to_normal_form(nfc, NormalForm::nfc), nfc) << static_cast<uint32_t>(code);
  }
}

// The table of the Unicode standard, chapter 3.9, "U+FFFD substitution of maximal subparts".
TEST(Unicode, invalid_bytes_are_replaced_as_the_standard_recommends) {
  const std::string r = "\uFFFD";
  EXPECT_EQ(replace_invalid_utf8("a\xF1\x80\x80\xE1\x80\xC2"
                                 "b\x80"
                                 "c\x80\xBF"
                                 "d"),
            "a" + r + r + r + "b" + r + "c" + r + r + "d");
  EXPECT_EQ(replace_invalid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82"
                                 "A"),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(replace_invalid_utf8("\xED\xA0\x80"), r + r + r);
  EXPECT_EQ(replace_invalid_utf8("\xF4\x91\x92\x93\xFF"), r + r + r + r + r);
  EXPECT_EQ(replace_invalid_utf8("\xE2\x82"), r);
  EXPECT_EQ(replace_invalid_utf8("é"), "é");
}

TEST(Unicode, decimal_digits_have_a_value_in_every_script) {
  // Arabic, Devanagari, full width; the mathematical ones are five runs without a gap.
  for (const char32_t zero : {U'0', U'\u0660', U'\u0966', U'\uFF10', U'\U0001D7CE', U'\U0001D7F6'})
    for (char32_t value = 0; value < 10; ++value)
      EXPECT_EQ(decimal_digit_value(zero + value), static_cast<int>(value))
          << static_cast<uint32_t>(zero);
}

}  // namespace
}  // namespace koi::text
