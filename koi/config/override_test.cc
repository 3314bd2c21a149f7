#include "koi/config/override.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/config/yaml.h"

namespace koi::config {
namespace {

using testing::HasSubstr;

std::string value_of(const std::string& value) {
  return dump_yaml(*parse_override("k=" + value).value);
}

std::string error_of(const std::string& text) {
  try {
    parse_override(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    return error.what();
  }
  return "no error";
}

TEST(Override, KindsAndKeys) {
  EXPECT_EQ(parse_override("a.b=1").kind, OverrideKind::change);
  EXPECT_EQ(parse_override("+a.b=1").kind, OverrideKind::add);
  EXPECT_EQ(parse_override("++a.b=1").kind, OverrideKind::force_add);
  EXPECT_EQ(parse_override("~a.b").kind, OverrideKind::remove);
  EXPECT_FALSE(parse_override("~a.b").value);
  EXPECT_TRUE(parse_override("~a.b=").value);
  const Override group = parse_override("+lora/x@model.model.lora_config=r_8_alpha_16");
  EXPECT_EQ(group.key, "lora/x");
  EXPECT_EQ(group.package, "model.model.lora_config");
}

TEST(Override, Values) {
  EXPECT_EQ(value_of("[1, two ,3.5,null,TRUE]"), "- 1\n- two\n- 3.5\n- null\n- true\n");
  EXPECT_EQ(value_of("{a: 1, b c:[x]}"), "a: 1\nb c:\n- x\n");
  EXPECT_EQ(value_of("-inf"), "-.inf\n");
  EXPECT_EQ(value_of("  spaced out  "), "spaced out\n");
  EXPECT_EQ(value_of("\\ kept\\ "), "' kept '\n");
  EXPECT_EQ(value_of("'it\\'s'"), "it's\n");
  EXPECT_EQ(value_of("'a\\\\'"), "a\\\n");
  EXPECT_EQ(value_of("\"a'b\""), "a'b\n");
  EXPECT_EQ(value_of("목소리"), "목소리\n");
  EXPECT_EQ(value_of("${a:${b}}/x"), "${a:${b}}/x\n");
  EXPECT_EQ(value_of("float(3)"), "3.0\n");
  EXPECT_EQ(value_of("bool('true')"), "true\n");
  EXPECT_EQ(value_of("int(2.9)"), "2\n");
  EXPECT_EQ(value_of("str(null)"), "'null'\n");
}

TEST(Override, BadOnesSayWhatAndWhere) {
  EXPECT_THAT(error_of("bogus"), HasSubstr("has no '='"));
  EXPECT_THAT(error_of("a=b,c"), HasSubstr("ambiguous"));
  EXPECT_THAT(error_of("a=b=c"), HasSubstr("(at '=c')"));
  EXPECT_THAT(error_of("a=[x"), HasSubstr("']' or ','"));
  EXPECT_THAT(error_of("a={x:1"), HasSubstr("'}' or ','"));
  EXPECT_THAT(error_of("a='x"), HasSubstr("quote is not closed"));
  EXPECT_THAT(error_of("a='x\\'"), HasSubstr("quote is not closed"));
  EXPECT_THAT(error_of("a=${x"), HasSubstr("not closed by '}'"));
  EXPECT_THAT(error_of("a=choice(1,2)"), HasSubstr("sweeps"));
  EXPECT_THAT(error_of("a=system(ls)"), HasSubstr("no function 'system'"));
  EXPECT_THAT(error_of("a=int(x)"), HasSubstr("cannot be made int"));
  EXPECT_THAT(error_of("a=\xff"), HasSubstr("not UTF-8"));
  EXPECT_THAT(error_of("a=x#y"), HasSubstr("quote"));
  EXPECT_THAT(error_of("a=" + std::string(100000, '[')), HasSubstr("nested too deeply"));
  EXPECT_THAT(error_of("a=99999999999999999999"), HasSubstr("64 bits"));
}

}  // namespace
}  // namespace koi::config
