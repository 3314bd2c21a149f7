// trainer.precision=bf16-mixed: weights, gradients and optimizer in float32, matrix products in
// bfloat16.
#include <gtest/gtest.h>

#include "koi/lm/adapters.h"
#include "koi/tensor/autocast.h"
#include "koi/train/run_checkpoint.h"
#include "koi/train/run_model.h"
#include "koi/train/validation.h"
#include "tests/support/temp_dir.h"
#include "tests/support/train_samples.h"

namespace koi::train {
namespace {

// Packed samples on both sides of what is attended to explicitly.
Batch batch_of(uint64_t seed) {
  return test::packed({test::make_sample(seed, 90), test::make_sample(seed + 1, 20)});
}

lm::DualAr lora_model() {
  lm::DualAr model = test::small_model();
  lm::add_lora(model, {.r = 2, .alpha = 4, .dropout = 0.1}, 1);
  // B begins as zeros, where A has no gradient.
  auto generator = tensor::make_generator(7);
  model.visit_lora(
      [&](const std::string&, at::Tensor& value) { value.normal_(0, 0.1, generator); });
  choose_trained(model, TrainedPart::adapters);
  return model;
}

struct Outcome {
  LossValues losses;
  std::vector<at::Tensor> gradients;
};

Outcome one_batch(lm::DualAr model, const TrainerOptions& options) {
  Trainer trainer(model, {}, {.warmup_steps = 0}, options, tensor::make_generator(1));
  Outcome outcome;
  outcome.losses = trainer.add_batch(batch_of(3)).losses;
  outcome.gradients = trainer.optimizer().gradients();
  for (const Parameter& parameter : trainer.parameters())
    EXPECT_EQ(parameter.value.scalar_type(), at::kFloat) << parameter.name;
  return outcome;
}

double distance(const Outcome& a, const Outcome& b) {
  double difference = 0, whole = 0;
  for (size_t i = 0; i < a.gradients.size(); ++i) {
    difference += (a.gradients[i] - b.gradients[i]).square().sum().item<double>();
    whole += b.gradients[i].square().sum().item<double>();
  }
  return std::sqrt(difference / whole);
}

// bfloat16 keeps 8 bits: each product's operands are off by up to 2^-9 of their size. Some 30
// products stand one behind the other in two directions, whose errors add up like a random walk:
// sqrt(60) 2^-9 = 1.5 %. That there is a difference at all shows that something was cast.
TEST(MixedPrecision, GradientsAreThoseOfFloat32UpToTheRoundingOfProducts) {
  for (const bool lora : {false, true}) {
    const auto model = [&] { return lora ? lora_model() : test::small_model(); };
    const Outcome exact = one_batch(model(), {});
    const Outcome mixed = one_batch(model(), {.mixed_precision = true});
    ASSERT_EQ(mixed.gradients.size(), exact.gradients.size());
    ASSERT_FALSE(mixed.gradients.empty());
    for (const at::Tensor& gradient : mixed.gradients)
      EXPECT_EQ(gradient.scalar_type(), at::kFloat);
    EXPECT_LT(distance(mixed, exact), 0.015);
    EXPECT_GT(distance(mixed, exact), 1.0 / 4096);
    EXPECT_NEAR(mixed.losses.loss / exact.losses.loss, 1, 1.0 / 512);
    EXPECT_NE(mixed.losses.loss, exact.losses.loss);
  }
}

TEST(MixedPrecision, LossesAreFloat32) {
  const lm::DualAr model = test::small_model();
  const Batch batch = batch_of(3);
  const tensor::AutocastGuard guard(at::kCPU, at::kBFloat16);
  const Losses losses = compute_losses(model, batch, count_labels(batch), {});
  for (const at::Tensor& loss : {losses.loss, losses.base_loss, losses.semantic_loss})
    EXPECT_EQ(loss.scalar_type(), at::kFloat);
}

// The second forward pass rounds as the first has done.
TEST(MixedPrecision, RecomputationChangesNoBit) {
  for (const bool lora : {false, true}) {
    const auto model = [&] { return lora ? lora_model() : test::small_model(); };
    const Outcome kept = one_batch(model(), {.mixed_precision = true});
    const Outcome again = one_batch(model(), {.recompute = true, .mixed_precision = true});
    EXPECT_EQ(again.losses.loss, kept.losses.loss);
    ASSERT_EQ(again.gradients.size(), kept.gradients.size());
    for (size_t i = 0; i < kept.gradients.size(); ++i)
      EXPECT_TRUE(again.gradients[i].equal(kept.gradients[i])) << i;
  }
}

TEST(MixedPrecision, ValidationIsInTheSamePrecision) {
  lm::DualAr model = test::small_model();
  const auto trainer = [&](bool mixed) {
    return Trainer(model, {}, {}, {.mixed_precision = mixed}, tensor::make_generator(1));
  };
  const auto batch = batch_of(3);
  const double exact = evaluate_sentences(trainer(false), {batch}).losses.loss;
  const double mixed = evaluate_sentences(trainer(true), {batch}).losses.loss;
  EXPECT_NE(mixed, exact);
  EXPECT_NEAR(mixed / exact, 1, 1.0 / 512);
  EXPECT_NEAR(trainer(true).add_batch(batch).losses.loss, mixed, 1e-6);
}

TEST(MixedPrecision, RunsResumeExactly) {
  const test::TempDir folder;
  const auto do_steps = [](Trainer& trainer) {
    for (int i = 0; i < 2; ++i) {
      trainer.add_batch(batch_of(static_cast<uint64_t>(trainer.step())));
      trainer.update();
    }
  };
  constexpr AdamWOptions kFast{.lr = 1e-2};
  const TrainerOptions options{.recompute = true, .mixed_precision = true};
  lm::DualAr whole_model = lora_model(), other_model = lora_model();
  Trainer whole(whole_model, kFast, {.warmup_steps = 0}, options, tensor::make_generator(1));
  do_steps(whole);
  save_run_checkpoint(folder / "step_2.ckpt", whole, {}, 2);
  do_steps(whole);

  Trainer other(other_model, kFast, {.warmup_steps = 0}, options, tensor::make_generator(2));
  load_run_checkpoint(folder / "step_2.ckpt", other, ResumePart::everything);
  do_steps(other);
  for (size_t i = 0; i < whole.parameters().size(); ++i) {
    EXPECT_TRUE(other.parameters()[i].value.equal(whole.parameters()[i].value))
        << whole.parameters()[i].name;
  }
}

TEST(Precision, WithoutAGpuItIsFloat32UnlessTheCpuIsAskedFor) {
  Settings settings;
  for (const Precision precision : {Precision::bfloat16, Precision::mixed}) {
    settings.precision = precision;
    const std::string name = precision == Precision::mixed ? "bf16-mixed" : "bf16-true";
    settings.accelerator = Accelerator::automatic;
    EXPECT_EQ(effective_precision(settings, at::kCPU), Precision::float32);
    EXPECT_EQ(effective_precision(settings, at::kCUDA), precision);
    EXPECT_EQ(describe_precision(settings, at::kCPU),
              "training on cpu in 32-true (trainer.precision is " + name +
                  ", which is slow without a GPU; trainer.accelerator=cpu takes it as it is)");
    settings.accelerator = Accelerator::cpu;
    EXPECT_EQ(effective_precision(settings, at::kCPU), precision);
    EXPECT_EQ(describe_precision(settings, at::kCPU, CpuBfloat16::native),
              "training on cpu in " + name);
    EXPECT_EQ(describe_precision(settings, at::kCPU, CpuBfloat16::emulated),
              "training on cpu in " + name +
                  "; this processor has no bf16 arithmetic: trainer.precision=32-true is many "
                  "times faster");
  }
}

}  // namespace
}  // namespace koi::train
