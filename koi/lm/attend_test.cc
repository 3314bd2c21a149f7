#include "koi/lm/attend.h"

#include <gtest/gtest.h>

#include <cmath>

#include "koi/tensor/dropout.h"
#include "koi/tensor/memory_meter.h"
#include "koi/tensor/random.h"
#include "tests/support/tensor_near.h"

namespace koi::lm {
namespace {

constexpr int64_t kHeads = 6, kGroups = 2, kHeadDim = 8;

struct Inputs {
  at::Tensor q, k, v;
};

// As the layers hand them over: positions lie before heads.
Inputs make_inputs(int64_t batch, int64_t count) {
  auto generator = tensor::make_generator(static_cast<uint64_t>(count));
  const auto make = [&](int64_t heads) {
    return at::randn({batch, count, heads, kHeadDim}, generator).requires_grad_(true);
  };
  return {make(kHeads), make(kGroups), make(kGroups)};
}

at::Tensor computed(const Inputs& in, const Mask& mask, double p) {
  at::Generator generator = tensor::make_generator(4);
  return attend(in.q.transpose(1, 2), in.k.transpose(1, 2), in.v.transpose(1, 2), mask,
                {.train = true, .generator = &generator}, p);
}

// The formula, all at once; `kept` [B, H, T, S] multiplies the softmax.
at::Tensor expected(const Inputs& in, const at::Tensor& bias, const at::Tensor& kept) {
  const auto heads = [](const at::Tensor& x) {
    return x.transpose(1, 2).repeat_interleave(kHeads / x.size(2), 1);
  };
  at::Tensor scores = at::matmul(heads(in.q), heads(in.k).transpose(-1, -2)) /
                      std::sqrt(static_cast<double>(kHeadDim));
  if (bias.defined()) scores = scores + bias;
  at::Tensor weights = at::softmax(scores, -1);
  if (kept.defined()) weights = weights * kept;
  return at::matmul(weights, heads(in.v));
}

std::vector<at::Tensor> with_gradients(const Inputs& in, const at::Tensor& y) {
  for (const at::Tensor& leaf : {in.q, in.k, in.v}) leaf.mutable_grad() = at::Tensor();
  auto generator = tensor::make_generator(9);
  y.backward(at::randn(y.sizes(), generator));
  return {y.detach(), in.q.grad(), in.k.grad(), in.v.grad()};
}

void expect_same(const std::vector<at::Tensor>& found, const std::vector<at::Tensor>& wanted) {
  // float32: sums of up to 200 terms near 1.
  for (size_t i = 0; i < found.size(); ++i)
    test::expect_near(found[i], wanted[i], 5e-5, "part " + std::to_string(i));
}

TEST(Attend, IsItsFormulaWithAndWithoutAMask) {
  for (const auto& [batch, count] : {std::pair<int64_t, int64_t>{3, 5}, {2, 1}, {1, 70}}) {
    const Inputs in = make_inputs(batch, count);
    const Mask causal = causal_mask(count, 0, in.q.options().requires_grad(false));
    at::Tensor padded = at::zeros({batch, 1, 1, count});
    if (count > 1) padded.select(-1, count - 1).fill_(-INFINITY);
    for (const Mask& mask : {Mask{}, causal, Mask{.bias = padded}}) {
      expect_same(with_gradients(in, computed(in, mask, 0)),
                  with_gradients(in, expected(in, mask.bias, {})));
    }
  }
}

// 2 x 6 heads x 500 keys: some hundred queries at a time.
TEST(Attend, IsItsFormulaWithDropoutInSeveralPieces) {
  constexpr double kChance = 0.3;
  constexpr int64_t kBatch = 2, kCount = 500;
  const Inputs in = make_inputs(kBatch, kCount);
  const Mask mask = causal_mask(kCount, 0, in.q.options().requires_grad(false));
  const at::Tensor y = computed(in, mask, kChance);
  // What was kept: values that are one in a key's own place tell the weights.
  Inputs seen{in.q.detach().requires_grad_(true), in.k.detach().requires_grad_(true), {}};
  at::Tensor kept = at::empty({kBatch, kHeads, kCount, kCount});
  for (int64_t first = 0; first < kCount; first += kHeadDim) {
    const int64_t some = std::min(kHeadDim, kCount - first);
    at::Tensor v = at::zeros({kBatch, kCount, kGroups, kHeadDim});
    for (int64_t i = 0; i < some; ++i) v.select(1, first + i).select(-1, i).fill_(1);
    seen.v = v;
    const at::NoGradGuard no_grad;
    kept.narrow(-1, first, some).copy_(computed(seen, mask, kChance).narrow(-1, 0, some));
  }
  const at::Tensor visible = mask.bias.eq(0).expand_as(kept);
  const double zeros = kept.eq(0).logical_and(visible).sum().item<double>();
  EXPECT_NEAR(zeros / visible.sum().item<double>(), kChance, 0.002);
  kept = kept.ne(0).to(at::kFloat) / (1 - kChance);
  expect_same(with_gradients(in, y), with_gradients(in, expected(in, mask.bias, kept)));
}

// The causal triangle is made where it is not given.
TEST(Attend, TheCausalTriangleNeedNotBeGiven) {
  for (const double p : {0.0, 0.2}) {
    const Inputs in = make_inputs(2, 7);
    expect_same(with_gradients(in, computed(in, {.bias = {}, .causal = true}, p)),
                with_gradients(in, computed(in, causal_mask(7, 0, at::kFloat), p)));
  }
}

TEST(Attend, OneQueryOfEachRow) {
  constexpr int64_t kBatch = 3, kCount = 70;
  const c10::InferenceMode no_gradients;
  const Inputs in = make_inputs(kBatch, kCount);
  const at::Tensor q = in.q.narrow(1, 5, 1), k = in.k.transpose(1, 2), v = in.v.transpose(1, 2);
  at::Tensor bias = at::zeros({kBatch, 1, 1, kCount});
  for (int64_t row = 0; row < kBatch; ++row) bias[row].slice(-1, 10 + row * 20).fill_(-INFINITY);
  for (const at::Tensor& mask : {at::Tensor(), bias}) {
    test::expect_near(attend_one(q.transpose(1, 2), k, v, mask),
                      expected({q, in.k, in.v}, mask, {}), 1e-5, "one query");
  }
}

// A row of scores for each position would grow with the square.
TEST(Attend, KeepsWhatIsLinearInThePositions) {
  const auto kept = [](int64_t count) {
    const Inputs in = make_inputs(1, count);
    const Mask mask = causal_mask(count, 0, in.q.options().requires_grad(false));
    const tensor::MemoryMeter meter;
    const at::Tensor y = computed(in, mask, 0.1);
    return static_cast<double>(meter.live_bytes()) / static_cast<double>(count);
  };
  EXPECT_LT(kept(1200), 1.2 * kept(300));
}

}  // namespace
}  // namespace koi::lm
