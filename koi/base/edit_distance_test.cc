#include "koi/base/edit_distance.h"

#include <gtest/gtest.h>

#include <string>

namespace koi::base {
namespace {

TEST(EditDistance, IsTheFewestEdits) {
  const auto distance = [](const std::string& a, const std::string& b) {
    EXPECT_EQ(edit_distance(a, b), edit_distance(b, a));
    return edit_distance(a, b);
  };
  EXPECT_EQ(distance("", ""), 0);
  EXPECT_EQ(distance("abc", "abc"), 0);
  EXPECT_EQ(distance("", "abc"), 3);
  EXPECT_EQ(distance("kitten", "sitting"), 3);
  EXPECT_EQ(distance("abcd", "bcda"), 2);
  EXPECT_EQ(edit_distance(std::vector<std::string>{"a", "bc"}, {"bc"}), 1);
}

}  // namespace
}  // namespace koi::base
