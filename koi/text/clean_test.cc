#include "koi/text/clean.h"

#include <gtest/gtest.h>

#include <utility>

#include "koi/base/error.h"

namespace koi::text {
namespace {

TEST(CleanText, strips_first_and_so_is_not_idempotent) {
  EXPECT_EQ(clean_text("\u3000a \x1f"), "a");
  EXPECT_EQ(clean_text("[ a ]"), " a ");
  EXPECT_EQ(clean_text(" \n\t"), "");
}

TEST(CleanText, joins_runs_of_dots_after_removing) {
  EXPECT_EQ(clean_text("a.~,b"), "a.b");
  EXPECT_EQ(clean_text("a:…b"), "a,b");
}

TEST(CleanText, keeps_nul_and_controls) {
  EXPECT_EQ(clean_text(std::string("a\0b\x01", 4)), std::string("a\0b\x01", 4));
}

TEST(CleanText, invalid_utf8_is_an_error) {
  EXPECT_THROW(clean_text("a\xff"), Error);
  EXPECT_THROW(clean_transcript("\xe2\x82"), Error);
}

TEST(CleanTranscript, unclosed_brackets_take_linear_time) {
  const std::string open(1'000'000, '{');
  EXPECT_EQ(clean_transcript(open), open);
  EXPECT_EQ(clean_transcript("{{\n{a}"), "{{ ");
}

TEST(StripMarkup, leaves_what_is_spoken) {
  const std::pair<const char*, const char*> cases[] = {
      {"plain (text), 5 < 6 & 7", "plain (text), 5 < 6 & 7"},
      {"[laughter] hello [a\nb] you", "hello you"},
      {"<b>bold</b> {note\nmore} end", "bold end"},
      {"R&amp;D &#65;&#x42; &quot;x&apos;", "R&D AB \"x'"},
      {"&lt;i&gt;it&lt;/i&gt;", "it"},
      {"&amp;amp;lt;i&gt;it", "it"},
      {"&eacute; &#xD800; &#0; &#x110000; AT&T; &;", "&eacute; &#xD800; &#0; &#x110000; AT&T; &;"},
      {"[<]>] {[}] <[>]", ">] { <"},
      {" \n[x] ", ""},
      {"[never closed", "[never closed"},
  };
  for (const auto& [text, stripped] : cases) {
    EXPECT_EQ(strip_markup(text), stripped) << text;
    EXPECT_EQ(strip_markup(stripped), stripped) << text;
  }
  EXPECT_THROW(strip_markup("a\xff"), Error);
}

TEST(StripMarkup, hostile_texts_take_linear_time) {
  std::string nested = "&";
  while (nested.size() < 1'000'000) nested += "amp;";
  EXPECT_EQ(strip_markup(nested), "&");
  const std::string open(1'000'000, '[');
  EXPECT_EQ(strip_markup(open), open);
  const std::string ands(1'000'000, '&');
  EXPECT_EQ(strip_markup(ands), ands);
}

}  // namespace
}  // namespace koi::text
