// The command line's language and the composed configuration, against Hydra 1.3.8 with OmegaConf
// 2.3.1 on the reference's files. Everything is exact: types, values, order of keys.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "koi/base/error.h"
#include "koi/base/files.h"
#include "koi/config/compose.h"
#include "koi/config/interpolation.h"
#include "koi/config/scalar.h"
#include "koi/config/yaml.h"
#include "tests/support/goldens.h"

namespace koi::config {
namespace {

using nlohmann::json;
using Flat = std::map<std::string, json>;

constexpr const char* kName = "text2semantic_finetune";

// The goldens' notation of a leaf: [type, value], floats as Python's repr.
json notation(const Node& leaf) {
  if (leaf.is_null()) return {"NoneType", nullptr};
  if (const auto* flag = leaf.get<bool>()) return {"bool", *flag};
  if (const auto* number = leaf.get<int64_t>()) return {"int", *number};
  if (const auto* number = leaf.get<double>()) return {"float", python_repr(*number)};
  if (const auto* text = leaf.get<std::string>()) return {"str", *text};
  return {leaf.get<List>() ? "list" : "dict", "empty"};
}

Flat flatten(const Node& root) {
  Flat flat;
  for (const auto& [path, node] : leaves(root)) flat[path] = notation(*node);
  return flat;
}

// The group lora may be put anywhere.
bool is_our_lora_key(const std::string& key) {
  return key.ends_with(".targets") || key.ends_with(".use_rslora");
}

// What differs from `base`, without the keys that only koi has.
struct Difference {
  Flat set;
  std::set<std::string> removed;
};

Difference compare(const Flat& base, const Flat& now, const std::set<std::string>& ours) {
  Difference difference;
  for (const auto& [key, value] : now) {
    const auto old = base.find(key);
    if (!ours.contains(key) && !is_our_lora_key(key) &&
        (old == base.end() || old->second != value)) {
      difference.set[key] = value;
    }
  }
  for (const auto& [key, value] : base) {
    if (!now.contains(key)) difference.removed.insert(key);
  }
  return difference;
}

class ConfigParity : public testing::Test {
 protected:
  Node golden_tree(const std::string& name) {
    const auto path = test::golden("data/config/" + name);
    return parse_yaml(base::read_file(path), name);
  }

  void SetUp() override {
    for (const char* name : {"composed.yaml", "resolved.yaml", "overrides.json"}) {
      if (!test::have_golden(std::string("data/config/") + name)) return;
    }
    composed_ = flatten(golden_tree("composed.yaml"));
    resolved_ = flatten(golden_tree("resolved.yaml"));
    const Node own = compose(kName, {}).config;
    for (const auto& [key, value] : flatten(own)) {
      if (!composed_.contains(key)) ours_.insert(key);
    }
    for (const auto& [key, value] : flatten(resolve(own))) {
      if (!resolved_.contains(key)) ours_.insert(key);
    }
    cases_ = test::read_json(test::golden("data/config/overrides.json"));
  }

  void check_case(const json& expected);
  void check_resolved(const json& expected, const Composition& found);

  Flat composed_, resolved_;
  std::set<std::string> ours_;
  json cases_;
};

bool is_ascii(const std::vector<std::string>& texts) {
  return std::all_of(texts.begin(), texts.end(), [](const std::string& text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  });
}

void ConfigParity::check_resolved(const json& expected, const Composition& found) {
  const json& run_dir = expected.at("hydra_run_dir");
  const auto resolve_run_dir = [&] {
    return resolve_value(*found.hydra.find("run.dir"), found.config, "hydra.run.dir");
  };
  if (run_dir.is_string()) {
    EXPECT_EQ(python_text(resolve_run_dir(), "run.dir"), run_dir.get<std::string>());
  } else {
    EXPECT_THROW(resolve_run_dir(), Error);
  }
  if (expected.contains("resolve_error")) {
    EXPECT_THROW(resolve(found.config), Error);
    return;
  }
  Difference difference = compare(resolved_, flatten(resolve(found.config)), ours_);
  const json& wanted =
      expected.contains("resolved_set") ? expected["resolved_set"] : expected["set"];
  EXPECT_EQ(json(difference.set), wanted);
}

void ConfigParity::check_case(const json& expected) {
  const auto overrides = expected.at("overrides").get<std::vector<std::string>>();
  if (expected.contains("error") && !is_ascii(overrides)) {
    // Differs on purpose: the reference refuses letters outside of ASCII without quotes.
    const std::string& text = overrides.at(0);
    const Node config = compose(kName, overrides).config;
    EXPECT_EQ(*config.child(text.substr(0, text.find('=')))->get<std::string>(),
              text.substr(text.find('=') + 1));
    return;
  }
  if (expected.contains("error")) {
    EXPECT_THROW(compose(kName, overrides), Error);
    return;
  }
  const Composition found = compose(kName, overrides);
  const Difference difference = compare(composed_, flatten(found.config), ours_);
  EXPECT_EQ(json(difference.set), expected.at("set"));
  EXPECT_EQ(difference.removed, expected.at("removed").get<std::set<std::string>>());
  check_resolved(expected, found);
}

TEST_F(ConfigParity, AllOverrideCases) {
  KOI_REQUIRE_GOLDEN("data/config/overrides.json");
  ASSERT_FALSE(cases_.empty());
  for (const json& expected : cases_) {
    SCOPED_TRACE(expected.at("overrides").dump());
    try {
      check_case(expected);
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

TEST_F(ConfigParity, KeysAreInTheReferencesOrder) {
  KOI_REQUIRE_GOLDEN("data/config/overrides.json");
  const Node config = resolve(compose(kName, {}).config);
  std::vector<std::string> order;
  for (const auto& [key, node] : leaves(config)) {
    if (!ours_.contains(key)) order.push_back(key);
  }
  size_t checked = 0;
  for (const json& expected : cases_) {
    if (!expected.contains("key_order")) continue;
    EXPECT_EQ(order, expected["key_order"].get<std::vector<std::string>>());
    ++checked;
  }
  if (checked == 0) test::report_absent("data/config/overrides.json: key_order");
}

TEST_F(ConfigParity, YamlIsWrittenAsTheReferenceWritesIt) {
  for (const char* name : {"composed.yaml", "resolved.yaml"}) {
    KOI_REQUIRE_GOLDEN(std::string("data/config/") + name);
    const std::string text = base::read_file(test::golden(std::string("data/config/") + name));
    EXPECT_EQ(dump_yaml(parse_yaml(text, name)), text);
  }
}

}  // namespace
}  // namespace koi::config
