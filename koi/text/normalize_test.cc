#include "koi/text/normalize.h"

#include <gmock/gmock.h>

#include <vector>

#include "koi/base/error.h"

namespace koi::text {
namespace {

struct Case {
  const char* written;
  const char* said;
};

void expect_by_script(const std::vector<Case>& cases) {
  for (const Case& c : cases)
    EXPECT_EQ(read_numbers(c.written, NumberReading::by_script), c.said) << c.written;
}

TEST(ReadNumbers, names) {
  EXPECT_EQ(number_reading("none"), NumberReading::none);
  EXPECT_EQ(number_reading("zh"), NumberReading::chinese);
  EXPECT_EQ(number_reading("ko"), NumberReading::korean);
  EXPECT_EQ(number_reading("en"), NumberReading::english);
  EXPECT_EQ(number_reading("auto"), NumberReading::by_script);
  EXPECT_THROW(number_reading("jp"), Error);
}

TEST(ReadNumbers, each_language_is_the_one_asked_for) {
  EXPECT_EQ(read_numbers("3", NumberReading::none), "3");
  EXPECT_EQ(read_numbers("3", NumberReading::chinese), "三");
  EXPECT_EQ(read_numbers("3", NumberReading::korean), "삼");
  EXPECT_EQ(read_numbers("3", NumberReading::english), "three");
}

TEST(ReadNumbers, by_the_letters_on_both_sides) {
  expect_by_script({{"사과 3개를 샀다", "사과 세 개를 샀다"},
                    {"买了3个苹果", "买了三个苹果"},
                    {"I bought 3 apples", "I bought three apples"},
                    {"번호는 3", "번호는 삼"},
                    {"3 is a number", "three is a number"}});
}

TEST(ReadNumbers, what_touches_the_number_before_what_is_apart) {
  expect_by_script({{"Windows 10을 쓴다", "Windows 십을 쓴다"},
                    {"Galaxy 24가 나왔다", "Galaxy 이십사가 나왔다"},
                    {"the 사과 3개 in my bag", "the 사과 세 개 in my bag"},
                    {"MP3 파일", "MP3 파일"}});
}

TEST(ReadNumbers, hangul_and_han_before_latin) {
  expect_by_script({{"이벤트 2024 Apple", "이벤트 이천이십사 Apple"},
                    {"Apple 2024 이벤트", "Apple 이천이십사 이벤트"},
                    {"iPhone 15 Pro를 샀다", "iPhone fifteen Pro를 샀다"}});
}

TEST(ReadNumbers, units_belong_to_the_number) {
  expect_by_script({{"쌀 5kg을 샀다", "쌀 오 킬로그램을 샀다"},
                    {"기온은 -5°C", "기온은 섭씨 영하 오 도"},
                    {"5 kg of rice", "five kilograms of rice"},
                    {"값은 $5입니다", "값은 오 달러입니다"}});
}

TEST(ReadNumbers, mixed_texts_piece_by_piece) {
  expect_by_script(
      {{"In 2024 I bought 사과 3개 and 2 pears.",
        "In twenty twenty-four I bought 사과 세 개 and two pears."},
       {"사과 3개. June 5, 2024. 买了2个。",
        "사과 세 개. June fifth, twenty twenty-four. 买了二个。"},
       {"2024년 5월 (May 5, 2024)", "이천이십사년 오월 (May fifth, twenty twenty-four)"},
       {"3개\n3 apples\n3个", "세 개\nthree apples\n三个"}});
}

TEST(ReadNumbers, japanese_and_other_scripts_stay) {
  expect_by_script({{"りんご3個、2024年5月3日", "りんご3個、2024年5月3日"},
                    {"2024年に行く。有3个", "2024年に行く。有三个"},
                    {"in Japan 3 days, 3日の旅", "in Japan three days, 3日の旅"},
                    {"у меня 3 яблока", "у меня 3 яблока"},
                    {"❤️ 3 apples", "❤️ three apples"},
                    {"12 + 3", "12 + 3"},
                    {"", ""}});
}

TEST(ReadNumbers, refuses_invalid_utf8) {
  for (const NumberReading reading :
       {NumberReading::none, NumberReading::chinese, NumberReading::korean, NumberReading::english,
        NumberReading::by_script})
    EXPECT_THROW(read_numbers("a\xFF", reading), Error);
}

// One long run, and changes of script at every number.
TEST(ReadNumbers, a_megabyte_takes_linear_time) {
  constexpr size_t kMegabyte = size_t{1} << 20;
  EXPECT_EQ(read_numbers(std::string(kMegabyte, '1'), NumberReading::by_script).size(), kMegabyte);
  for (const std::string piece : {"3개 3 a ", "1 ", "a1 가1"}) {
    std::string text;
    while (text.size() < kMegabyte) text += piece;
    EXPECT_GE(read_numbers(text, NumberReading::by_script).size(), text.size()) << piece;
  }
}

}  // namespace
}  // namespace koi::text
