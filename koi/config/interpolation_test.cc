#include "koi/config/interpolation.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "koi/base/error.h"
#include "koi/config/arithmetic.h"
#include "koi/config/yaml.h"

namespace koi::config {
namespace {

using testing::HasSubstr;

std::string resolved(const std::string& yaml) {
  return dump_yaml(resolve(parse_yaml(yaml, "test")));
}

std::string error_of(const std::string& yaml) {
  try {
    resolve(parse_yaml(yaml, "test"));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Interpolation, NamesTakeTypesAndTrees) {
  EXPECT_EQ(resolved("a: 1\nb: ${a}\nc: x${a}y"), "a: 1\nb: 1\nc: x1y\n");
  EXPECT_EQ(resolved("a:\n  k: [1, 2]\nb: ${a}\nc: ${b.k[1]}"),
            "a:\n  k:\n  - 1\n  - 2\nb:\n  k:\n  - 1\n  - 2\nc: 2\n");
  EXPECT_EQ(resolved("a:\n  b: 1\n  c: ${.b}\n  d:\n    e: ${..b}"),
            "a:\n  b: 1\n  c: 1\n  d:\n    e: 1\n");
  EXPECT_EQ(resolved("which: b\nb: 2\nc: ${${which}}"), "which: b\nb: 2\nc: 2\n");
  EXPECT_EQ(resolved("a: \\${b}"), "a: ${b}\n");
}

TEST(Interpolation, Resolvers) {
  ::setenv("KOI_TEST_VARIABLE", "here", 1);
  EXPECT_EQ(resolved("a: ${oc.env:KOI_TEST_VARIABLE}"), "a: here\n");
  ::unsetenv("KOI_TEST_VARIABLE");
  EXPECT_EQ(resolved("a: ${oc.env:KOI_TEST_VARIABLE,'x y'}"), "a: x y\n");
  EXPECT_EQ(resolved("a: ${oc.env:KOI_TEST_VARIABLE,null}"), "a: null\n");
  EXPECT_EQ(resolved("n: 3\na: ${eval:'${n}*2'}"), "n: 3\na: 6\n");
}

TEST(Interpolation, ErrorsNameTheKey) {
  EXPECT_THAT(error_of("max_steps: 1\na: ${max_step}"),
              HasSubstr("a: ${max_step} names a key that is not there; did you mean max_steps?"));
  EXPECT_THAT(error_of("a: ???\nb: ${a}"), HasSubstr("b: needs a, which has no value yet"));
  EXPECT_THAT(error_of("a: ${b}\nb: ${a}"), HasSubstr("circle"));
  EXPECT_THAT(error_of("a:\n  b: ${a}"), HasSubstr("circle"));
  EXPECT_THAT(error_of("a: ${...x}"), HasSubstr("out of the configuration"));
  EXPECT_THAT(error_of("a: ${oc.env:KOI_NOT_SET}"), HasSubstr("is not set"));
  EXPECT_THAT(error_of("a: ${shell:ls}"), HasSubstr("no resolver 'shell'"));
  EXPECT_THAT(error_of("a: [1]\nb: x${a}"), HasSubstr("cannot stand inside a text"));
}

TEST(Interpolation, HostileTreesEndWithAnError) {
  std::string bomb = "a0: [x, x, x, x, x, x, x, x, x, x]\n";
  std::string texts = "t0: xxxxxxxxxxxxxxxx\n";
  for (int i = 1; i < 30; ++i) {
    const std::string last = std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": ['${a" + last + "}', '${a" + last + "}', '${a" + last +
            "}', '${a" + last + "}']\n";
    texts += "t" + std::to_string(i) + ": ${t" + last + "}${t" + last + "}\n";
  }
  EXPECT_THAT(error_of(bomb), HasSubstr("too large"));
  EXPECT_THAT(error_of(texts), HasSubstr("too long"));
}

TEST(Arithmetic, PythonsResults) {
  const auto text = [](const char* expression) {
    return dump_yaml(evaluate_arithmetic(expression));
  };
  EXPECT_EQ(text("1024*2"), "2048\n");
  EXPECT_EQ(text("1 + 2 * (3 - 4)"), "-1\n");
  EXPECT_EQ(text("1/2"), "0.5\n");
  EXPECT_EQ(text("-7//2"), "-4\n");
  EXPECT_EQ(text("-7%3"), "2\n");
  EXPECT_EQ(text("-2**2"), "-4\n");
  EXPECT_EQ(text("2**-1"), "0.5\n");
  EXPECT_EQ(text("2**3**2"), "512\n");
  EXPECT_EQ(text("(-1)**1000001"), "-1\n");
  EXPECT_EQ(text("1e3//7"), "142.0\n");
  EXPECT_EQ(text("-7.5//2"), "-4.0\n");
}

TEST(Arithmetic, RefusesAllElse) {
  for (const char* bad : {"", "1+", "1/0", "1%0", "2**64", "9223372036854775807+1", "a", "f(1)",
                          "(1", "1 2", "__import__('os')"}) {
    EXPECT_THROW(evaluate_arithmetic(bad), Error) << bad;
  }
  EXPECT_THROW(evaluate_arithmetic(std::string(100000, '(')), Error);
  EXPECT_THROW(evaluate_arithmetic(std::string(100000, '-')), Error);
}

}  // namespace
}  // namespace koi::config
