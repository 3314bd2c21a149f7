#include "koi/config/json.h"

#include <gtest/gtest.h>

#include "koi/config/yaml.h"

namespace koi::config {
namespace {

TEST(Json, KeepsKindsAndOrder) {
  EXPECT_EQ(dump_json(parse_yaml("b: 1\na: [true, null, 1.5, 1e-6]\nc: {d: '1', e: 말}\n", "x")),
            R"({"b":1,"a":[true,null,1.5,1e-06],"c":{"d":"1","e":"말"}})");
  EXPECT_EQ(dump_json(parse_yaml("", "x")), "{}");
  EXPECT_EQ(dump_json(parse_yaml("a: .inf\n", "x")), R"({"a":null})");
}

}  // namespace
}  // namespace koi::config
