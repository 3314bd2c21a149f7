#include "koi/lm/adapter_file.h"

#include <gmock/gmock.h>

#include "tests/support/tiny_checkpoint.h"

namespace koi::lm {
namespace {

using checkpoint::Value;
using test::refusal;
using testing::HasSubstr;

const LoraConfig kLora{
    .r = 3, .alpha = 4.5, .dropout = 0.25, .targets = {"ffn", "output"}, .use_rslora = true};

Value text(const std::string& value) { return Value(value); }

class AdapterFiles : public testing::Test, protected test::TinyCheckpoint {};

TEST_F(AdapterFiles, SayWhatTheyAre) {
  const AdapterFile file = load_adapter(write_adapter("a.ckpt", kLora, info(kLora)));
  EXPECT_TRUE(file.says_base);
  EXPECT_TRUE(file.is_adapter());
  EXPECT_EQ(file.info.lora.r, 3);
  EXPECT_EQ(file.info.lora.alpha, 4.5);
  EXPECT_EQ(file.info.lora.dropout, 0.25);
  EXPECT_EQ(file.info.lora.targets, kLora.targets);
  EXPECT_TRUE(file.info.lora.use_rslora);
  EXPECT_EQ(file.info.base.path, base.string());
  EXPECT_EQ(file.info.base.weights_hash, identify_base(base, base).weights_hash);
  EXPECT_EQ(file.info.base.tokenizer_hash.size(), 64u);
  EXPECT_EQ(file.info.koi_version, "1.2.3");
  for (const auto& [name, tensor] : file.tensors)
    EXPECT_TRUE(name.ends_with("lora_A") || name.ends_with("lora_B")) << name;

  const AdapterFile other = load_adapter(write_adapter("b.ckpt", kLora), kLora);
  EXPECT_FALSE(other.says_base);
  EXPECT_EQ(other.info.lora.alpha, 4.5);
  EXPECT_EQ(load_adapter(folder / "b.ckpt").info.lora.r, 8);  // the reference's settings
}

TEST_F(AdapterFiles, RefuseSettingsThatContradictThem) {
  const auto file = write_adapter("a.ckpt", kLora, info(kLora));
  const auto loading = [&](auto change) {
    LoraConfig told = kLora;
    change(told);
    return refusal([&] { load_adapter(file, told); });
  };
  EXPECT_EQ(loading([](LoraConfig& told) { told.dropout = 0; }), "accepted");
  EXPECT_THAT(loading([](LoraConfig& told) { told.r = 4; }), HasSubstr("was trained with r 3"));
  EXPECT_THAT(loading([](LoraConfig& told) { told.alpha = 4; }), HasSubstr("lora_alpha 4.5"));
  EXPECT_THAT(loading([](LoraConfig& told) { told.use_rslora = false; }), HasSubstr("rsLoRA"));
  EXPECT_THAT(loading([](LoraConfig& told) { told.targets = {"all"}; }),
              HasSubstr("targets ffn output; the LoRA configuration says"));
}

TEST_F(AdapterFiles, RefuseDamage) {
  EXPECT_THAT(refusal([&] { load_adapter(folder / "none.ckpt"); }), HasSubstr("no such file"));
  EXPECT_THAT(refusal([&] { load_adapter(write("e.ckpt", {})); }), HasSubstr("holds no tensors"));
  const Value good = adapter_value(info(kLora));
  const auto reading = [&](const std::string& key, const Value& value) {
    Value changed = Value::dict(good.as_dict()->items);
    changed = Value::dict([&] {
      auto items = good.as_dict()->items;
      for (auto& item : items)
        if (*item.first.get<std::string>() == key) item.second = value;
      return items;
    }());
    const Value root = Value::dict({{text("koi"), Value::dict({{text("adapter"), changed}})}});
    return refusal([&] { adapter_info(root, "a.ckpt"); });
  };
  EXPECT_EQ(reading("r", Value(int64_t{5})), "accepted");
  EXPECT_THAT(reading("r", text("5")),
              HasSubstr("a.ckpt: what it says of its adapter is damaged: r"));
  EXPECT_THAT(reading("base_hash", Value(int64_t{5})), HasSubstr("base_hash"));
  EXPECT_THAT(reading("targets", text("all")), HasSubstr("targets"));
  EXPECT_THAT(reading("targets", Value::list({Value(1.0)})), HasSubstr("targets"));
  EXPECT_THAT(reading("targets", Value::list(std::vector<Value>(20000, text("a")))),
              HasSubstr("targets"));
}

// A base is known by its contents: not by its path, nor by how the file is wrapped.
TEST_F(AdapterFiles, KnowTheirBaseByItsContents) {
  const AdapterInfo adapter = info(kLora);
  BaseIdentity other = adapter.base;
  other.path = "elsewhere";
  EXPECT_EQ(refusal([&] { check_base(adapter, other, "a.ckpt"); }), "accepted");
  other.weights_hash.clear();  // not known
  EXPECT_EQ(refusal([&] { check_base(adapter, other, "a.ckpt"); }), "accepted");
  other.weights_hash = std::string(64, '0');
  EXPECT_THAT(refusal([&] { check_base(adapter, other, "a.ckpt"); }),
              HasSubstr("those of elsewhere are 000000000000"));
  save(at::kFloat);
  EXPECT_EQ(identify_base(base, base / "tokenizer.json").weights_hash, adapter.base.weights_hash);
  save(at::kBFloat16);
  EXPECT_NE(identify_base(base, base).weights_hash, adapter.base.weights_hash);
}

}  // namespace
}  // namespace koi::lm
