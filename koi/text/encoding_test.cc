#include "koi/text/encoding.h"

#include <gtest/gtest.h>

namespace koi::text {
namespace {

TEST(Encoding, IsNamedWhereItIsPlain) {
  const struct {
    const char* encoding;
    const char* text;
    const char* bytes;
  } cases[] = {
      {"EUC-KR (CP949)", "안녕하세요.", "\xBE\xC8\xB3\xE7\xC7\xCF\xBC\xBC\xBF\xE4."},
      {"EUC-KR (CP949)", "오늘은 날씨가 좋습니다.",
       "\xBF\xC0\xB4\xC3\xC0\xBA \xB3\xAF\xBE\xBE\xB0\xA1 \xC1\xC1\xBD\xC0\xB4\xCF\xB4\xD9."},
      {"EUC-KR (CP949)", "그는 학교에 갔다",
       "\xB1\xD7\xB4\xC2 \xC7\xD0\xB1\xB3\xBF\xA1 \xB0\xAC\xB4\xD9"},
      {"EUC-KR (CP949)", "똠방각하 펲시콜라를 마시고 춤을 추었다",
       "\x8C"
       "c\xB9\xE6\xB0\xA2\xC7\xCF \xBC\x84\xBD\xC3\xC4\xDD\xB6\xF3\xB8\xA6 "
       "\xB8\xB6\xBD\xC3\xB0\xED \xC3\xE3\xC0\xBB \xC3\xDF\xBE\xFA\xB4\xD9"},
      {"EUC-KR (CP949)", "서울", "\xBC\xAD\xBF\xEF"},
      {"Shift-JIS", "こんにちは。",
       "\x82\xB1\x82\xF1\x82\xC9\x82\xBF\x82\xCD\x81"
       "B"},
      {"Shift-JIS", "今日はいい天気ですね。",
       "\x8D\xA1\x93\xFA\x82\xCD\x82\xA2\x82\xA2\x93V\x8B"
       "C\x82\xC5\x82\xB7\x82\xCB\x81"
       "B"},
      {"Shift-JIS", "カタカナ", "\x83J\x83^\x83J\x83i"},
      {"Shift-JIS", "電話番号を入力してください",
       "\x93"
       "d\x98"
       "b\x94\xD4\x8D\x86\x82\xF0\x93\xFC\x97\xCD\x82\xB5\x82\xC4\x82\xAD\x82\xBE\x82\xB3\x82\xA2"},
      {"EUC-JP", "こんにちは。", "\xA4\xB3\xA4\xF3\xA4\xCB\xA4\xC1\xA4\xCF\xA1\xA3"},
      {"EUC-JP", "電話番号を入力してください",
       "\xC5\xC5\xCF\xC3\xC8\xD6\xB9\xE6\xA4\xF2\xC6\xFE\xCE\xCF\xA4\xB7\xA4\xC6\xA4\xAF\xA4\xC0"
       "\xA4\xB5\xA4\xA4"},
      {"EUC-JP", "カタカナ", "\xA5\xAB\xA5\xBF\xA5\xAB\xA5\xCA"},
      {"GBK", "今天天气很好。", "\xBD\xF1\xCC\xEC\xCC\xEC\xC6\xF8\xBA\xDC\xBA\xC3\xA1\xA3"},
      {"GBK", "请输入您的电话号码",
       "\xC7\xEB\xCA\xE4\xC8\xEB\xC4\xFA\xB5\xC4\xB5\xE7\xBB\xB0\xBA\xC5\xC2\xEB"},
      {"GBK", "谢谢你的帮助，再见",
       "\xD0\xBB\xD0\xBB\xC4\xE3\xB5\xC4\xB0\xEF\xD6\xFA\xA3\xAC\xD4\xD9\xBC\xFB"},
      {"", "café", "caf\xE9"},
      {"", "El niño está aquí", "El ni\xF1o est\xE1 aqu\xED"},
      {"", "Où êtes-vous allé hier soir ?", "O\xF9 \xEAtes-vous all\xE9 hier soir ?"},
      {"", "Привет", "\xCF\xF0\xE8\xE2\xE5\xF2"},
      {"", "Пожалуйста, введите номер телефона",
       "\xCF\xEE\xE6\xE0\xEB\xF3\xE9\xF1\xF2\xE0, \xE2\xE2\xE5\xE4\xE8\xF2\xE5 "
       "\xED\xEE\xEC\xE5\xF0 \xF2\xE5\xEB\xE5\xF4\xEE\xED\xE0"},
  };
  for (const auto& [encoding, text, bytes] : cases) {
    EXPECT_EQ(guess_encoding(bytes), encoding) << text;
    if (*encoding != '\0') {
      EXPECT_EQ(decode(bytes, encoding), text);
    }
  }
}

TEST(Encoding, TooLittleOrDamagedIsNotGuessed) {
  EXPECT_EQ(guess_encoding(""), "");
  EXPECT_EQ(guess_encoding("plain"), "");
  EXPECT_EQ(guess_encoding("\xC4\xE3\xBA\xC3\xA1\xA3"), "");       // could be Korean or Chinese
  EXPECT_EQ(guess_encoding("\xB3\xD7"), "");                       // one character
  EXPECT_FALSE(decode("\xBC\xAD\xBF\xEF\xBF", "EUC-KR (CP949)"));  // cut in a character
  EXPECT_FALSE(decode("caf\xE9.", "EUC-KR (CP949)"));
  EXPECT_FALSE(decode("abc", "EBCDIC"));
}

}  // namespace
}  // namespace koi::text
