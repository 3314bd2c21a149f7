#include "koi/lm/peft.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "koi/checkpoint/safetensors.h"
#include "tests/support/tensor_near.h"
#include "tests/support/tiny_checkpoint.h"

namespace koi::lm {
namespace {

using nlohmann::json;
using test::refusal;
using testing::HasSubstr;

const LoraConfig kLora{
    .r = 2, .alpha = 4, .dropout = 0.5, .targets = {"embeddings*", "layers.*.wqkv", "output"}};

class Peft : public testing::Test, protected test::TinyCheckpoint {
 protected:
  void SetUp() override {
    adapter = load_adapter(write_adapter("a.ckpt", kLora, info(kLora)));
    base::make_folder(peft);
    save_peft(adapter, peft);
    config_text = base::read_file(peft / "adapter_config.json");
  }
  // What loading says where `key` of the configuration is `value`.
  std::string with(const std::string& key, const json& value) {
    json changed = json::parse(config_text);
    changed[key] = value;
    base::write_file(peft / "adapter_config.json", changed.dump());
    return refusal([&] { load_adapter(peft); });
  }

  AdapterFile adapter;
  base::fs::path peft = folder / "peft";
  std::string config_text;
};

// The names as PEFT 0.21 wrote them for a torch model of the same modules.
TEST_F(Peft, HasItsNames) {
  const auto content = checkpoint::load_safetensors(peft / "adapter_model.safetensors");
  std::set<std::string> names;
  for (const auto& [name, tensor] : content.tensors) names.insert(name);
  EXPECT_THAT(names, testing::ElementsAre("base_model.model.embeddings.lora_embedding_A",
                                          "base_model.model.embeddings.lora_embedding_B",
                                          "base_model.model.fast_output.lora_A.weight",
                                          "base_model.model.fast_output.lora_B.weight",
                                          "base_model.model.layers.0.attention.wqkv.lora_A.weight",
                                          "base_model.model.layers.0.attention.wqkv.lora_B.weight",
                                          "base_model.model.output.lora_A.weight",
                                          "base_model.model.output.lora_B.weight"));
  EXPECT_EQ(
      checkpoint::find(content.tensors, "base_model.model.embeddings.lora_embedding_A")->shape,
      (std::vector<int64_t>{2, 12}));
  const json written = json::parse(config_text);
  EXPECT_EQ(written["peft_type"], "LORA");
  EXPECT_EQ(written["r"], 2);
  EXPECT_EQ(written["lora_alpha"], 4);
  EXPECT_EQ(written["base_model_name_or_path"], base.string());
  EXPECT_THAT(written["target_modules"],
              testing::UnorderedElementsAre("embeddings", "layers.0.attention.wqkv", "output",
                                            "fast_output"));
}

TEST_F(Peft, ComesBackAsItWas) {
  for (const auto& path : {peft, peft / "adapter_model.safetensors"}) {
    const AdapterFile back = load_adapter(path);
    EXPECT_TRUE(back.says_base);
    EXPECT_EQ(back.info.lora.alpha, 4);
    EXPECT_EQ(back.info.lora.dropout, 0.5);
    EXPECT_EQ(back.info.base.weights_hash, adapter.info.base.weights_hash);
    EXPECT_EQ(back.info.base.tokenizer_hash, adapter.info.base.tokenizer_hash);
    DualAr a = load_model(base, {}), b = load_model(base, {});
    put_adapters(a, {{adapter}}, base);
    put_adapters(b, {{back}}, base);
    std::vector<std::pair<std::string, at::Tensor>> expected, found;
    a.visit_lora([&](const std::string& name, at::Tensor& p) { expected.emplace_back(name, p); });
    b.visit_lora([&](const std::string& name, at::Tensor& p) { found.emplace_back(name, p); });
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].first, expected[i].first);
      EXPECT_TRUE(at::equal(found[i].second, expected[i].second));
    }
  }
  EXPECT_EQ(refusal([&] { load_adapter(peft, kLora); }), "accepted");
  LoraConfig other = kLora;
  other.alpha = 5;
  EXPECT_THAT(refusal([&] { load_adapter(peft, other); }), HasSubstr("was trained with"));
}

TEST_F(Peft, RefusesWhatIsNoPlainLora) {
  EXPECT_EQ(with("rank_pattern", json::object()), "accepted");
  EXPECT_EQ(with("init_lora_weights", true), "accepted");
  EXPECT_EQ(with("some_later_setting", nullptr), "accepted");
  EXPECT_THAT(with("peft_type", "IA3"), HasSubstr("koi knows LORA"));
  EXPECT_THAT(with("bias", "all"), HasSubstr("koi knows none"));
  EXPECT_THAT(with("use_dora", true), HasSubstr("use_dora is set"));
  EXPECT_THAT(with("rank_pattern", {{"output", 4}}), HasSubstr("rank_pattern is set"));
  EXPECT_THAT(with("init_lora_weights", "pissa"), HasSubstr("changes the base"));
  EXPECT_THAT(with("r", "two"), HasSubstr("an r that is no integer"));
  EXPECT_THAT(with("lora_alpha", "two"), HasSubstr("lacks a proper r"));
  EXPECT_THAT(with("r", 1e300), HasSubstr("an r that is no integer"));
  base::write_file(peft / "adapter_config.json", "{");
  EXPECT_THAT(refusal([&] { load_adapter(peft); }), HasSubstr("is no JSON"));
  base::write_file(peft / "adapter_config.json",
                   R"({"bias": )" + std::string(500000, '[') + std::string(500000, ']') + "}");
  EXPECT_THAT(refusal([&] { load_adapter(peft); }), HasSubstr("nested too deeply"));
  base::write_file(peft / "adapter_config.json", "[]");
  EXPECT_THAT(refusal([&] { load_adapter(peft); }), HasSubstr("no JSON object"));
  base::fs::remove(peft / "adapter_config.json");
  EXPECT_THAT(refusal([&] { load_adapter(peft); }), HasSubstr("adapter_config.json: no such file"));
}

TEST_F(Peft, RefusesForeignTensors) {
  auto content = checkpoint::load_safetensors(peft / "adapter_model.safetensors");
  content.tensors[0].first = "base_model.model.output.base_layer.weight";
  checkpoint::save_safetensors(folder / "changed", content);
  base::fs::rename(folder / "changed", peft / "adapter_model.safetensors");
  EXPECT_THAT(refusal([&] { load_adapter(peft); }), HasSubstr("none of LoRA's"));
}

TEST_F(Peft, WritesOnlyAdaptersOfTheRankThatTheySay) {
  adapter.info.lora.r = 3;
  EXPECT_THAT(refusal([&] { save_peft(adapter, peft); }), HasSubstr("r is 3"));
  adapter.tensors = {adapter.tensors[0]};
  adapter.tensors[0].first = "output.weight";
  EXPECT_THAT(refusal([&] { save_peft(adapter, peft); }), HasSubstr("is a full fine-tune"));
}

}  // namespace
}  // namespace koi::lm
