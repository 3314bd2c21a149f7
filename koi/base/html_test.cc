#include "koi/base/html.h"

#include <gtest/gtest.h>

namespace koi::base {
namespace {

TEST(Html, NothingOfATextIsTakenForMarkup) {
  EXPECT_EQ(escape_html("<a href=\"x\">O'Neill & 민지</a>"),
            "&lt;a href=&quot;x&quot;&gt;O&#39;Neill &amp; 민지&lt;/a&gt;");
  EXPECT_EQ(escape_html(std::string_view("\0\xff\n", 3)), "\\x00\\xff\\n");
  EXPECT_EQ(escape_html("&amp;"), "&amp;amp;");
}

}  // namespace
}  // namespace koi::base
