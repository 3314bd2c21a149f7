// Checkpoints of every layout that fish-speech v1.4.3 has written, and the published keys.
#include <fstream>
#include <functional>

#include "koi/base/error.h"
#include "koi/checkpoint/pth.h"
#include "koi/codec/init.h"
#include "tests/support/codec_goldens.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

using checkpoint::StateDict;
using codec::Firefly;

// Lines "key [d0, d1]"; comments and other lines are left out.
std::vector<std::string> listed_keys(const std::string& relative) {
  std::ifstream file(golden(relative));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with('#') && line.ends_with(']')) lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> keys_of(Firefly& model) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : codec::published_tensors(model))
    lines.push_back(name + " " + checkpoint::shape_text(value.sizes().vec()));
  return lines;
}

TEST(CodecLoad, ManifestOfTheFullSize) {
  KOI_REQUIRE_GOLDEN("codec/manifest_full.txt");
  Firefly model(codec::full_size_config());
  const std::vector<std::string> listed = listed_keys("codec/manifest_full.txt");
  EXPECT_FALSE(listed.empty());
  EXPECT_EQ(keys_of(model), listed);
}

TEST(CodecLoad, KeysOfTheRecordedCodec) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/tiny/keys.txt");
  Firefly model(golden_codec_config());
  const std::vector<std::string> listed = listed_keys("codec/tiny/keys.txt");
  EXPECT_FALSE(listed.empty());
  EXPECT_EQ(keys_of(model), listed);
}

StateDict renamed(const StateDict& state,
                  const std::function<std::string(const std::string&)>& name) {
  StateDict result;
  for (const auto& [key, view] : state) result.emplace_back(name(key), view);
  return result;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

// The layouts of load_variants.json, by the names they have there.
const std::map<std::string, std::function<checkpoint::Value(const StateDict&)>>& layouts() {
  static const std::map<std::string, std::function<checkpoint::Value(const StateDict&)>> table = {
      {"plain keys", [](const StateDict& state) { return from_state_dict(state); }},
      {"state_dict wrapper + generator. prefix + discriminator.",
       [](const StateDict& state) {
         StateDict all = renamed(state, [](const std::string& key) { return "generator." + key; });
         all.emplace_back("discriminator.x", state.front().second);
         return checkpoint::Value::dict({{std::string("state_dict"), from_state_dict(all)}});
       }},
      {"plain keys + foreign key",
       [](const StateDict& state) {
         StateDict all = state;
         all.emplace_back("discriminator.x", state.front().second);
         return from_state_dict(all);
       }},
      {"old weight_g / weight_v names",
       [](const StateDict& state) {
         return from_state_dict(renamed(state, [](const std::string& key) {
           return replaced(replaced(key, "parametrizations.weight.original0", "weight_g"),
                           "parametrizations.weight.original1", "weight_v");
         }));
       }},
      {"folded weight (no parametrisation)",
       [](const StateDict&) {
         Firefly model = load_firefly(codec_checkpoint(), golden_codec_config());
         StateDict folded;
         model.visit([&](const std::string& name, at::Tensor& value) {
           folded.emplace_back(name, tensor::to_view(value));
         });
         return from_state_dict(folded);
       }},
  };
  return table;
}

std::string error_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// Differs: a foreign key is an error that names it, where the reference drops it; a folded weight
// loads, where the reference leaves the generator random.
TEST(CodecLoad, EveryLayoutGivesTheSameWeights) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/tiny/load_variants.json");
  const TempDir folder;
  const StateDict published = checkpoint::load_state_dict(codec_checkpoint());
  const codec::FireflyConfig config = golden_codec_config();
  const nlohmann::json variants = read_json(golden("codec/tiny/load_variants.json"));
  for (const auto& [name, facts] : variants.items()) {
    SCOPED_TRACE(name);
    const auto layout = layouts().find(name);
    if (layout == layouts().end()) {
      report_absent("codec/tiny: a file of the layout " + name);
      continue;
    }
    const auto path = folder / "variant.pth";
    checkpoint::save_pth(path, layout->second(published));
    const bool only_foreign_keys = facts["missing"] == 0 && facts["unexpected"] > 0;
    if (only_foreign_keys) {
      EXPECT_THAT(error_of([&] { load_firefly(path, config); }),
                  testing::HasSubstr(facts["first_unexpected"][0].get<std::string>()));
      continue;
    }
    Firefly loaded = load_firefly(path, config);
    std::map<std::string, at::Tensor> values;
    loaded.visit([&](const std::string& key, at::Tensor& value) { values[key] = value; });
    Firefly original = load_firefly(codec_checkpoint(), config);
    original.visit([&](const std::string& key, at::Tensor& value) {
      EXPECT_TRUE(at::equal(values.at(key), value)) << key;
    });
  }
}

TEST(CodecLoad, WrongTensorsAreNamed) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  const TempDir folder;
  const auto path = folder / "broken.pth";
  const StateDict published = checkpoint::load_state_dict(codec_checkpoint());
  const codec::FireflyConfig config = golden_codec_config();
  for (const std::string victim : {"head.conv_pre.conv.parametrizations.weight.original0",
                                   "head.conv_post.conv.parametrizations.weight.original1",
                                   "backbone.norm.bias", "quantizer.downsample.0.1.gamma"}) {
    SCOPED_TRACE(victim);
    StateDict lacking, misshapen;
    for (const auto& [key, view] : published) {
      if (key != victim) lacking.emplace_back(key, view);
      misshapen.emplace_back(key, key == victim ? tensor::to_view(at::zeros({3, 2, 1, 1})) : view);
    }
    checkpoint::save_pth(path, from_state_dict(lacking));
    EXPECT_THAT(error_of([&] { load_firefly(path, config); }), testing::HasSubstr(victim));
    checkpoint::save_pth(path, from_state_dict(misshapen));
    EXPECT_THAT(error_of([&] { load_firefly(path, config); }), testing::HasSubstr(victim));
  }
}

}  // namespace
}  // namespace koi::test
