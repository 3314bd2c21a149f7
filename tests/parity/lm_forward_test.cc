// The forward pass equals the reference's (fish-speech v1.4.3, torch 2.15, one CPU thread; how the
// numbers were made: lm/README.md, lm/forward/README.md).
#include <algorithm>
#include <map>

#include "koi/checkpoint/pth.h"
#include "koi/lm/checkpoint.h"
#include "tests/support/tensor_near.h"
#include "tests/support/test_device.h"

namespace koi::lm {
namespace {

using test::expect_near;
using test::expect_recorded;
using test::golden;
using test::read_tensor;

constexpr double kLogits = 1e-4;  // fp32: the reference lies within 6e-6 of a float64 run
// bf16: a last bit of the residual stream, through all layers. Where another set's own bf16 logits
// lie further from its fp32 ones, half as much again as that.
constexpr double kBf16 = 0.3;
constexpr double kLoss = 1e-5;      // relative; the reference against itself: 5e-7
constexpr double kGradient = 1e-4;  // relative to the gradient's norm; against itself: 5e-7

struct Batch {
  at::Tensor inputs = read_tensor("lm/forward/batch_inputs.npy");
  at::Tensor padding = read_tensor("lm/forward/batch_attention_masks.npy");
  at::Tensor labels = read_tensor("lm/forward/batch_labels.npy");
};

DualAr load(at::ScalarType dtype) {
  return load_model(golden("lm/tiny"), {.dtype = dtype, .device = test::test_device()});
}

TEST(ForwardParity, Fp32) {
  if (!test::have_model() || !test::have_batch("lm/forward/batch")) return;
  const DualAr model = load(at::kFloat);
  const Batch batch;
  std::map<std::string, at::Tensor> seen;
  ForwardOptions options;
  options.trace = [&](const std::string& stage, const at::Tensor& x) { seen[stage] = x; };
  const DualArOutput output = model.forward(batch.inputs, batch.padding, options);

  expect_recorded(seen.at("embed"), "lm/forward/embed.npy", kLogits);
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const std::string n = std::to_string(i);
    expect_recorded(seen.at("layers." + n), "lm/forward/slow_layer" + n + ".npy", kLogits);
  }
  for (size_t i = 0; i < model.fast_layers.size(); ++i) {
    const std::string n = std::to_string(i);
    expect_recorded(seen.at("fast_layers." + n), "lm/forward/fast_layer" + n + ".npy", kLogits);
  }
  expect_recorded(output.token_logits, "lm/forward/token_logits.npy", kLogits);
  for (const test::NamedPart& file :
       test::find_goldens("lm/forward", R"(codebook_logits_stride(\d+)\.npy)")) {
    expect_recorded(output.codebook_logits.slice(3, 0, std::nullopt, std::stoll(file.groups.at(0))),
                    "lm/forward/" + file.name, kLogits);
  }
  expect_recorded(output.codebook_logits.to(at::kDouble).logsumexp(-1),
                  "lm/forward/codebook_logsumexp.npy", kLogits);

  KOI_REQUIRE_GOLDEN("lm/forward/losses.json");
  const auto facts = test::read_json(golden("lm/forward/losses.json"));
  if (!test::has_part(facts, "codebook_logits_rows_positions")) return;
  std::vector<at::Tensor> rows;
  for (const auto& place : facts["codebook_logits_rows_positions"])
    rows.push_back(output.codebook_logits[place.at(0).get<int64_t>()][place.at(1).get<int64_t>()]);
  expect_recorded(at::stack(rows), "lm/forward/codebook_logits_rows.npy", kLogits);
}

// `recorded` and `recorded_fp32` are the reference's logits of row 0, in bf16 and in fp32.
void expect_bf16(const at::Tensor& logits, const at::Tensor& recorded,
                 const at::Tensor& recorded_fp32, const std::string& what) {
  const at::Tensor noise = recorded - recorded_fp32,
                   ours = logits.to(at::kCPU, at::kFloat) - recorded;
  const double most =
      test::default_goldens() ? kBf16 : std::max(kBf16, 1.5 * noise.abs().max().item<double>());
  EXPECT_LE(ours.abs().max().item<double>(), most) << what;
  // Two roundings of the same numbers are sqrt(2) as far from each other as each from these.
  EXPECT_LE(ours.norm().item<double>(), 1.5 * noise.norm().item<double>()) << what;
}

TEST(ForwardParity, Bf16) {
  if (!test::have_model() || !test::have_batch("lm/forward/batch")) return;
  const DualAr model = load(at::kBFloat16);
  const Batch batch;
  const DualArOutput output =
      model.forward(batch.inputs.slice(0, 0, 1), batch.padding.slice(0, 0, 1), {});
  ASSERT_EQ(output.token_logits.scalar_type(), at::kBFloat16);
  const std::string tokens = "lm/forward/bf16_token_logits_row0.npy";
  if (test::have_golden(tokens) && test::have_golden("lm/forward/token_logits.npy")) {
    expect_bf16(output.token_logits[0], read_tensor(tokens),
                read_tensor("lm/forward/token_logits.npy")[0], tokens);
  }
  for (const test::NamedPart& file :
       test::find_goldens("lm/forward", R"(bf16_codebook_logits_row0_stride(\d+)\.npy)")) {
    const std::string& stride = file.groups.at(0);
    const std::string fp32 = "lm/forward/codebook_logits_stride" + stride + ".npy";
    if (!test::have_golden(fp32)) continue;
    expect_bf16(output.codebook_logits[0].slice(-1, 0, std::nullopt, std::stoll(stride)),
                read_tensor("lm/forward/" + file.name), read_tensor(fp32)[0], file.name);
  }
}

// Labels -100 and (in base_loss) padded positions do not count.
struct Losses {
  at::Tensor base, semantic;
};
Losses losses_of(const DualArOutput& output, const at::Tensor& labels) {
  const auto mean = [](const at::Tensor& logits, const at::Tensor& targets) {
    return at::cross_entropy_loss(logits.reshape({-1, logits.size(-1)}),
                                  targets.reshape(-1).to(logits.device()));
  };
  return {.base = mean(output.token_logits, labels.select(1, 0)),
          .semantic = mean(output.codebook_logits, labels.slice(1, 1).transpose(1, 2))};
}

// The adapters' values are a formula of the json, by the place of the name in sorted order.
void fill_adapters(DualAr& model, const nlohmann::json& facts) {
  model.visit_lora([&](const std::string& name, at::Tensor& parameter) {
    const auto& expected = facts.at("params").at(name);
    ASSERT_EQ(parameter.sizes().vec(), expected.at("shape").get<std::vector<int64_t>>()) << name;
    const auto j = at::arange(parameter.numel(), at::kDouble);
    const auto values = (1 + 0.7 * expected.at("k").get<double>() + 0.37 * j).sin() * 0.05;
    parameter =
        values.to(parameter.device(), at::kFloat).view(parameter.sizes()).requires_grad_(true);
    EXPECT_NEAR(values.sum().item<double>(), expected.at("sum").get<double>(), 1e-3) << name;
  });
}

void expect_losses(const Losses& losses, const nlohmann::json& expected, const std::string& phase) {
  const auto near = [&](const at::Tensor& loss, const std::string& name) {
    const double value = expected.at(phase + "/" + name);
    EXPECT_NEAR(loss.item<double>(), value, kLoss * value) << phase << " " << name;
  };
  near(losses.base, "base_loss");
  near(losses.semantic, "semantic_loss");
}

TEST(ForwardParity, LoraLossesAndGradients) {
  if (!test::have_model() || !test::have_batch("lm/forward/batch")) return;
  KOI_REQUIRE_GOLDEN("lm/forward/lora.json");
  KOI_REQUIRE_GOLDEN("lm/forward/lora_grads.pth");
  const auto facts = test::read_json(golden("lm/forward/lora.json"));
  DualAr model = load(at::kFloat);
  const LoraConfig config{.r = facts.at("r"), .alpha = facts.at("alpha"), .dropout = 0};
  ASSERT_EQ(config.scaling(), facts.at("scaling").get<double>());
  add_lora(model, config, /*seed=*/1);
  fill_adapters(model, facts);

  const Batch batch;
  const Losses losses =
      losses_of(model.forward(batch.inputs, batch.padding, {.train = true}), batch.labels);
  expect_losses(losses, facts.at("train_mode"), "train");
  (losses.base + losses.semantic).backward();

  const checkpoint::StateDict stored =
      checkpoint::load_state_dict(golden("lm/forward/lora_grads.pth"));
  size_t compared = 0;
  const auto& norms = facts.at("grad_norm");
  model.visit_lora([&](const std::string& name, at::Tensor& parameter) {
    ASSERT_TRUE(parameter.grad().defined()) << name;
    const at::Tensor gradient = parameter.grad().to(at::kCPU);
    const double norm = norms.at(name);
    EXPECT_NEAR(gradient.norm().item<double>(), norm, kGradient * norm) << name;
    if (const auto* whole = checkpoint::find(stored, name)) {
      expect_near(gradient, tensor::to_tensor(*whole), kGradient * norm, name);
      ++compared;
    } else if (const auto* columns = checkpoint::find(stored, name + "/columns")) {
      const at::Tensor indices = tensor::to_tensor(*columns).to(at::kLong);
      const auto* values = checkpoint::find(stored, name + "/values");
      ASSERT_NE(values, nullptr) << name;
      expect_near(gradient.index_select(1, indices), tensor::to_tensor(*values), kGradient * norm,
                  name);
      const auto others = gradient.index_fill(1, indices, 0);
      EXPECT_EQ(others.abs().max().item<double>(), 0) << name << " outside of the stored columns";
      compared += 2;
    }
  });
  EXPECT_EQ(compared, stored.size());
  model.visit([](const std::string& name, at::Tensor& parameter) {
    EXPECT_FALSE(parameter.grad().defined()) << name << " is frozen";
  });

  merge_lora(model);
  expect_losses(losses_of(model.forward(batch.inputs, batch.padding, {}), batch.labels),
                facts.at("eval_mode_merged"), "val");
}

}  // namespace
}  // namespace koi::lm
