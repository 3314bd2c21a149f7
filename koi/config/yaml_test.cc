#include "koi/config/yaml.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"

namespace koi::config {
namespace {

using testing::HasSubstr;

std::string kind_of(const std::string& scalar) {
  const Node root = parse_yaml("x: " + scalar, "test");
  return std::string(root.child("x")->kind());
}

std::string error_of(const std::string& text) {
  try {
    parse_yaml(text, "file.yaml");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Yaml, ScalarsAreThoseOfYaml11) {
  for (const char* text : {"true", "yes", "On", "OFF", "no"}) EXPECT_EQ(kind_of(text), "boolean");
  for (const char* text : {"1", "-7", "1_000", "0x1F", "017", "0b11"}) {
    EXPECT_EQ(kind_of(text), "integer") << text;
  }
  for (const char* text : {"1e-4", "1.", ".5", "-2.5E3", ".inf", "-.inf", ".nan"}) {
    EXPECT_EQ(kind_of(text), "float") << text;
  }
  for (const char* text : {"", "~", "null"}) EXPECT_EQ(kind_of(text), "null") << text;
  for (const char* text : {"'1'", "\"yes\"", "1-2", "1__0", "1e", "None", "2026-01-01", "08"}) {
    EXPECT_EQ(kind_of(text), "string") << text;
  }
  EXPECT_EQ(*parse_yaml("x: 0x1F", "t").child("x")->get<int64_t>(), 31);
  EXPECT_EQ(*parse_yaml("x: 017", "t").child("x")->get<int64_t>(), 15);
}

TEST(Yaml, WhatIsWrittenIsReadBack) {
  Node root(Map{});
  root.set("texts",
           Node(List{Node(std::string("")), Node(std::string("yes")), Node(std::string("a: b")),
                     Node(std::string("it's")), Node(std::string("line\nfeed")),
                     Node(std::string("-x")), Node(std::string("- x")), Node(std::string(" x ")),
                     Node(std::string("1_000")), Node(std::string("목소리"))}));
  root.set("numbers", Node(List{Node(1e-5), Node(1e16), Node(-0.5), Node(int64_t{-3})}));
  root.set("empty list", Node(List{}));
  root.set("empty map", Node(Map{}));
  Node inner(Map{});
  inner.set("a", Node(List{Node(List{Node(true), Node()}), inner}));
  root.set("nested", inner);
  EXPECT_EQ(parse_yaml(dump_yaml(root), "written"), root) << dump_yaml(root);
}

TEST(Yaml, AnEmptyDocumentIsAnEmptyMap) {
  EXPECT_EQ(parse_yaml("", "t"), Node(Map{}));
  EXPECT_EQ(parse_yaml("# nothing\n", "t"), Node(Map{}));
}

TEST(Yaml, BadInputIsNamedWithItsLine) {
  EXPECT_THAT(error_of("a: 1\nb: [1, 2"), HasSubstr("file.yaml:"));
  EXPECT_THAT(error_of("a: 1\na: 2"), HasSubstr("file.yaml:2: the key 'a' comes twice"));
  EXPECT_THAT(error_of("[1]: 2"), HasSubstr("a key must be a plain word"));
  EXPECT_THAT(error_of("a: 1\n---\nb: 2"), HasSubstr("more than one document"));
  EXPECT_THAT(error_of("a: \xff"), HasSubstr("is not UTF-8"));
  EXPECT_THAT(error_of("a: 99999999999999999999"), HasSubstr("does not fit into 64 bits"));
}

TEST(Yaml, HostileDocumentsEndWithAnError) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 0; k < 9; ++k) bomb += ", " + last;
    bomb += "]\n";
  }
  EXPECT_THAT(error_of(bomb), HasSubstr("over a million values"));
  EXPECT_THAT(error_of(std::string(100000, '[')), HasSubstr("broken YAML"));
}

}  // namespace
}  // namespace koi::config
