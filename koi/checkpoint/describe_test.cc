#include "koi/checkpoint/describe.h"

#include <gmock/gmock.h>

#include "koi/checkpoint/npy.h"
#include "koi/checkpoint/pth.h"
#include "koi/checkpoint/safetensors.h"
#include "tests/support/temp_dir.h"

namespace koi::checkpoint {
namespace {

using FactValue = decltype(Fact::value);

FactValue fact(const std::vector<Fact>& facts, const std::string& name) {
  for (const Fact& each : facts) {
    if (each.name == name) return each.value;
  }
  return std::string("absent");
}

TensorView floats(std::vector<int64_t> shape) {
  static const std::string kZeros(1024, '\0');
  size_t bytes = sizeof(float);
  for (const int64_t dimension : shape) bytes *= static_cast<size_t>(dimension);
  return contiguous_view(DType::f32, std::move(shape), std::string_view(kZeros).substr(0, bytes),
                         nullptr);
}

const StateDict kAdapter{{"model.wo.lora_A", floats({4, 3})}, {"model.wo.lora_B", floats({5, 4})}};

TEST(Describe, LightningCheckpoint) {
  const test::TempDir folder;
  const Value moments = Value::list({Value::dict({{1, floats({4, 3})}})});
  save_pth(folder / "a.ckpt", Value::dict({{std::string("epoch"), 2},
                                           {std::string("global_step"), 30},
                                           {std::string("state_dict"), from_state_dict(kAdapter)},
                                           {std::string("optimizer_states"), moments}}));
  const Description description = describe_checkpoint(folder / "a.ckpt");
  EXPECT_EQ(fact(description.facts, "epoch"), FactValue(int64_t{2}));
  EXPECT_EQ(fact(description.facts, "global_step"), FactValue(int64_t{30}));
  EXPECT_EQ(fact(description.facts, "lora_rank"), FactValue(int64_t{4}));
  EXPECT_EQ(fact(description.facts, "parameters"), FactValue(int64_t{32}));
  EXPECT_EQ(fact(description.facts, "bytes"), FactValue(int64_t{128}));
  ASSERT_EQ(description.parts.size(), 3u);
  EXPECT_EQ(description.parts[0].name, "state_dict.model.wo.lora_A");
  EXPECT_EQ(description.parts[2].name, "optimizer_states.0.1");
  EXPECT_EQ(fact(description.parts[1].facts, "shape"), FactValue(std::vector<int64_t>{5, 4}));
}

TEST(Describe, WhatAnAdapterSays) {
  const test::TempDir folder;
  const auto key = [](const char* text) { return Value(std::string(text)); };
  const Value adapter = Value::dict({{key("base_hash"), key("abc")},
                                     {key("r"), Value(int64_t{4})},
                                     {key("lora_alpha"), Value(1.5)},
                                     {key("targets"), Value::list({key("ffn"), key("output")})},
                                     {key("use_rslora"), Value(true)}});
  save_pth(folder / "a.ckpt",
           Value::dict({{key("state_dict"), from_state_dict(kAdapter)},
                        {key("koi"), Value::dict({{key("adapter"), adapter}})}}));
  const std::vector<Fact> facts = describe_checkpoint(folder / "a.ckpt").facts;
  EXPECT_EQ(fact(facts, "adapter.base_hash"), FactValue(std::string("abc")));
  EXPECT_EQ(fact(facts, "adapter.r"), FactValue(int64_t{4}));
  EXPECT_EQ(fact(facts, "adapter.lora_alpha"), FactValue(1.5));
  EXPECT_EQ(fact(facts, "adapter.targets"), FactValue(std::string("ffn output")));
  EXPECT_EQ(fact(facts, "adapter.use_rslora"), FactValue(std::string("true")));
}

TEST(Describe, Safetensors) {
  const test::TempDir folder;
  save_safetensors(folder / "a", {kAdapter, {{"format", "pt"}}});
  const Description description = describe_checkpoint(folder / "a");
  EXPECT_EQ(description.kind, "safetensors");
  EXPECT_EQ(fact(description.facts, "format"), FactValue(std::string("pt")));
  EXPECT_EQ(fact(description.facts, "tensors"), FactValue(int64_t{2}));
}

TEST(Describe, CodesAndOtherArrays) {
  const test::TempDir folder;
  write_codes(folder / "codes.npy", {1, 3, {5, 0, 9}});
  const Description codes = describe_npy(folder / "codes.npy");
  EXPECT_EQ(fact(codes.facts, "frames"), FactValue(int64_t{3}));
  EXPECT_EQ(fact(codes.facts, "seconds"), FactValue(3 * kFrameSeconds));
  EXPECT_EQ(fact(codes.facts, "max"), FactValue(9.0));
  write_npy(folder / "empty.npy", floats({0}));
  EXPECT_EQ(fact(describe_npy(folder / "empty.npy").facts, "min"),
            FactValue(std::string("absent")));
}

}  // namespace
}  // namespace koi::checkpoint
