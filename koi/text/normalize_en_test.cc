// What is right: The Chicago Manual of Style, 17th edition, chapter 9 (numbers: 9.2 general,
// 9.14 fractions, 9.20 money, 9.29 years, 9.33 decades, 9.38 times of day), and Merriam-Webster's
// entries for numerals and units.
#include "koi/text/normalize_en.h"

#include <gmock/gmock.h>

#include <vector>

#include "koi/base/error.h"

namespace koi::text {
namespace {

struct Case {
  const char* written;
  const char* said;
};

void expect(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(normalize_english(c.written), c.said) << c.written;
}

TEST(NormalizeEnglish, cardinals) {
  expect({{"0", "zero"},
          {"7", "seven"},
          {"10", "ten"},
          {"12", "twelve"},
          {"13", "thirteen"},
          {"20", "twenty"},
          {"21", "twenty-one"},
          {"99", "ninety-nine"},
          {"100", "one hundred"},
          {"101", "one hundred one"},
          {"342", "three hundred forty-two"},
          {"1,000", "one thousand"},
          {"1234", "one thousand two hundred thirty-four"},
          {"12,345", "twelve thousand three hundred forty-five"},
          {"1,000,000", "one million"},
          {"1,000,001", "one million one"},
          {"2,500,000,000", "two billion five hundred million"},
          {"1000000000000", "one trillion"},
          {"123000000000000000", "one hundred twenty-three quadrillion"},
          {"1000000000000000000",
           "one zero zero zero zero zero zero zero zero zero zero zero zero zero zero zero zero "
           "zero zero"},
          {"007", "zero zero seven"},
          {"1,23", "one,twenty-three"},
          {"1, 2, 3", "one, two, three"}});
}

TEST(NormalizeEnglish, ordinals) {
  expect({{"1st", "first"},
          {"2nd", "second"},
          {"3rd", "third"},
          {"4th", "fourth"},
          {"5th", "fifth"},
          {"8th", "eighth"},
          {"9th", "ninth"},
          {"11th", "eleventh"},
          {"12th", "twelfth"},
          {"20th", "twentieth"},
          {"21st", "twenty-first"},
          {"32nd", "thirty-second"},
          {"100th", "one hundredth"},
          {"101st", "one hundred first"},
          {"1,000th", "one thousandth"},
          {"the 5th of June", "the fifth of June"}});
}

TEST(NormalizeEnglish, years_and_decades) {
  expect({{"1999", "nineteen ninety-nine"},
          {"2005", "two thousand five"},
          {"2000", "two thousand"},
          {"2010", "twenty ten"},
          {"2024", "twenty twenty-four"},
          {"1905", "nineteen oh five"},
          {"1900", "nineteen hundred"},
          {"in 1776", "in seventeen seventy-six"},
          {"since 1850", "since eighteen fifty"},
          {"July 1776", "July seventeen seventy-six"},
          {"1776 men", "one thousand seven hundred seventy-six men"},
          {"1,999", "one thousand nine hundred ninety-nine"},
          {"1900s", "nineteen hundreds"},
          {"1990s", "nineteen nineties"},
          {"2000s", "two thousands"},
          {"80s", "eighties"},
          {"the '90s", "the 'nineties"},
          {"1861-1865", "eighteen sixty-one to eighteen sixty-five"},
          {"1914–1918", "nineteen fourteen to nineteen eighteen"}});
}

TEST(NormalizeEnglish, decimals_and_negative_numbers) {
  expect({{"3.14", "three point one four"},
          {"0.5", "zero point five"},
          {".5", "point five"},
          {"10.05", "ten point zero five"},
          {"1,234.5", "one thousand two hundred thirty-four point five"},
          {"-5", "minus five"},
          {"-3.5", "minus three point five"},
          {"−2", "minus two"},
          {"it is -5", "it is minus five"},
          {"covid-19", "covid-nineteen"},
          {"1.2.3", "one point two point three"}});
}

TEST(NormalizeEnglish, money_and_percentages) {
  expect({{"$5", "five dollars"},
          {"$1", "one dollar"},
          {"$3.50", "three dollars and fifty cents"},
          {"$1.01", "one dollar and one cent"},
          {"$0.99", "ninety-nine cents"},
          {"$3.00", "three dollars"},
          {"$0.00", "zero dollars"},
          {"$5M", "$5M"},
          {"$1,200", "one thousand two hundred dollars"},
          {"$1.5 million", "one point five million dollars"},
          {"$2 billion", "two billion dollars"},
          {"-$5", "minus five dollars"},
          {"US$5", "US five dollars"},
          {"£1.50", "one pound and fifty pence"},
          {"€20", "twenty euros"},
          {"¥500", "five hundred yen"},
          {"$5-$10", "five dollars to ten dollars"},
          {"50%", "fifty percent"},
          {"0.5%", "zero point five percent"},
          {"10-20%", "ten to twenty percent"}});
}

TEST(NormalizeEnglish, times) {
  expect({{"3:30", "three thirty"},
          {"3:30 pm", "three thirty pm"},
          {"3:30pm", "three thirty pm"},
          {"3 p.m.", "three p.m."},
          {"3pm", "three pm"},
          {"3:00", "three o'clock"},
          {"3:00 pm", "three pm"},
          {"3:05", "three oh five"},
          {"15:45", "fifteen forty-five"},
          {"1:02:03", "one oh two and three seconds"},
          {"3:2", "three to two"},
          {"1:2:3:4", "one to two to three to four"},
          {"9-5", "nine to five"},
          {"9:00-17:00", "nine o'clock to seventeen o'clock"}});
}

TEST(NormalizeEnglish, dates) {
  expect({{"June 5, 2024", "June fifth, twenty twenty-four"},
          {"June 5", "June fifth"},
          {"July 4, 1776.", "July fourth, seventeen seventy-six."},
          {"June 2024", "June twenty twenty-four"},
          {"on 5 June 2024", "on the fifth of June twenty twenty-four"},
          {"the 5 June", "the fifth of June"},
          {"2024-05-03", "May third, twenty twenty-four"},
          {"5/6/2024", "five/six/twenty twenty-four"},
          {"5/13/2024", "May thirteenth, twenty twenty-four"},
          {"13/5/2024", "May thirteenth, twenty twenty-four"},
          {"12/31/1999", "December thirty-first, nineteen ninety-nine"},
          {"1/2/3", "one/two/three"},
          {"May 5%", "May five percent"}});
}

TEST(NormalizeEnglish, telephone_numbers_digit_by_digit) {
  expect({{"555-1234", "five five five, one two three four"},
          {"555-123-4567", "five five five, one two three, four five six seven"},
          {"(555) 123-4567", "(five five five) one two three, four five six seven"},
          {"1-800-555-0199", "one, eight zero zero, five five five, zero one nine nine"}});
}

TEST(NormalizeEnglish, fractions) {
  expect({{"1/2", "one half"},
          {"1/3", "one third"},
          {"2/3", "two thirds"},
          {"1/4", "one quarter"},
          {"3/4", "three quarters"},
          {"5/8", "five eighths"},
          {"1/10", "one tenth"},
          {"1 1/2 cups", "one and one half cups"},
          {"24/7", "twenty-four over seven"},
          {"1/0", "one over zero"}});
}

TEST(NormalizeEnglish, units) {
  expect({{"5 km", "five kilometers"},
          {"1 km", "one kilometer"},
          {"5kg", "five kilograms"},
          {"2.5 kg", "two point five kilograms"},
          {"10 lb", "ten pounds"},
          {"1 lb", "one pound"},
          {"6 ft", "six feet"},
          {"20°C", "twenty degrees Celsius"},
          {"-1°C", "minus one degree Celsius"},
          {"72 °F", "seventy-two degrees Fahrenheit"},
          {"60 mph", "sixty miles per hour"},
          {"100km/h", "one hundred kilometers per hour"},
          {"16 GB", "sixteen gigabytes"},
          {"3-5 km", "three to five kilometers"},
          {"5 minutes", "five minutes"}});
}

TEST(NormalizeEnglish, safe_abbreviations) {
  expect({{"Dr. Smith", "Doctor Smith"},
          {"with Mr. Jones", "with Mister Jones"},
          {"Mrs. Lee and Ms. Kim", "Missus Lee and Miz Kim"},
          {"Prof. Oak", "Professor Oak"},
          {"in St. Louis", "in Saint Louis"},
          {"12 Main St. Louis came.", "twelve Main St. Louis came."},
          {"Elm Dr. North", "Elm Dr. North"},
          {"5 St. James", "five St. James"},
          {"Dr. no", "Dr. no"},
          {"No. 5", "number five"},
          {"#1", "number one"},
          {"etc.", "etc."}});
}

TEST(NormalizeEnglish, what_letters_are_joined_to_stays) {
  expect({{"MP3", "MP3"},
          {"B2B", "B2B"},
          {"3D", "3D"},
          {"iPhone15", "iPhone15"},
          {"4x4", "4x4"},
          {"v1.5.2 is out", "v1.5.2 is out"},
          {"747s", "747s"},
          {"x_1", "x_1"},
          {"Henry VIII", "Henry VIII"},
          {"Chapter IV", "Chapter IV"},
          {"a 5-year-old", "a five-year-old"},
          {"", ""},
          {"No numbers here.", "No numbers here."},
          {"café 3", "café three"}});
}

TEST(NormalizeEnglish, whole_sentences) {
  expect({{"In 2024 I bought 3 apples for $2.50.",
           "In twenty twenty-four I bought three apples for two dollars and fifty cents."},
          {"Dr. Lee paid $1,200 on June 5, 2024 at 3:30 pm.",
           "Doctor Lee paid one thousand two hundred dollars on June fifth, twenty twenty-four at "
           "three thirty pm."}});
}

TEST(NormalizeEnglish, refuses_invalid_utf8) { EXPECT_THROW(normalize_english("3\xC0"), Error); }

TEST(NormalizeEnglish, a_megabyte_takes_linear_time) {
  constexpr size_t kMegabyte = size_t{1} << 20;
  EXPECT_GT(normalize_english(std::string(kMegabyte, '1')).size(), 4 * kMegabyte - 2);
  for (const std::string piece : {"1-", "123,", "1/", "(111) ", "1 May ", "Dr. "}) {
    std::string text;
    while (text.size() < kMegabyte) text += piece;
    EXPECT_FALSE(normalize_english(text + "1").empty()) << piece;
  }
}

}  // namespace
}  // namespace koi::text
