#include "koi/base/html.h"

#include <gtest/gtest.h>

namespace koi::base {
namespace {

TEST(Html, NothingOfATextIsTakenForMarkup) {
  EXPECT_EQ(escape_html("<a href=\"x\">O'Neill & 민지</a>"),
            "&lt;a href=&quot;x&quot;&gt;O&#39;Neill &amp; 민지&lt;/a&gt;");
  EXPECT_EQ(escape_html(std::string_view("\0\xff\n", 3)), "\\x00\\xff\\n");
  EXPECT_EQ(escape_html("&amp;"), "&amp;amp;");
  EXPECT_EQ(escape_html("a\uFFFF\uFFFE\uFFFD¿"), "a\uFFFD\uFFFD\uFFFD¿");
}

TEST(Html, APageHasItsTitleAndBody) {
  const std::string page = html_page("a<b", "<p>" + in_both("both", "둘") + "</p>");
  EXPECT_NE(page.find("<title>a&lt;b</title>"), page.npos);
  EXPECT_NE(page.find("<h1>a&lt;b</h1>\n<p>both <span lang=\"ko\">둘</span></p>"), page.npos);
}

TEST(Html, FilesAndTables) {
  EXPECT_EQ(file_address("a b/ë#1.wav"), "a%20b/%C3%AB%231.wav");
  EXPECT_EQ(file_address("A-z_~.9"), "A-z_~.9");
  EXPECT_EQ(table_row({"a", "<b>b</b>", ""}), "<tr><td>a</td><td><b>b</b></td><td></td></tr>\n");
  EXPECT_EQ(table_head({"a", "b"}), "<tr><th>a</th><th>b</th></tr>\n");
}

}  // namespace
}  // namespace koi::base
