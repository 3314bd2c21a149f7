#include <gtest/gtest.h>

#include "koi/lm/layers.h"
#include "koi/tensor/dropout.h"
#include "koi/tensor/memory_meter.h"
#include "koi/tensor/random.h"
#include "tests/support/tensor_near.h"

namespace koi::lm {
namespace {

constexpr int64_t kIn = 12, kOut = 20, kRank = 3;

Linear make_linear(double dropout, bool with_bias) {
  auto generator = tensor::make_generator(1);
  const auto make = [&](at::IntArrayRef shape) { return at::randn(shape, generator); };
  Linear linear{.weight = make({kOut, kIn}), .bias = {}};
  linear.lora = Adapter{make({kRank, kIn}), make({kOut, kRank}), 0.7, dropout};
  if (with_bias) linear.bias = make({kOut});
  return linear;
}

std::vector<at::Tensor> tensors_of(const Linear& linear) {
  std::vector<at::Tensor> tensors{linear.weight};
  if (linear.bias.defined()) tensors.push_back(linear.bias);
  if (linear.lora) tensors.insert(tensors.end(), {linear.lora->lora_A, linear.lora->lora_B});
  return tensors;
}

// y and the gradients of x and of all that requires one.
std::vector<at::Tensor> with_gradients(const at::Tensor& x, const Linear& linear,
                                       const at::Tensor& y) {
  auto generator = tensor::make_generator(9);
  y.backward(at::randn(y.sizes(), generator));
  std::vector<at::Tensor> result{y.detach()};
  std::vector<at::Tensor> leaves = tensors_of(linear);
  leaves.push_back(x);
  for (at::Tensor& leaf : leaves) {
    if (leaf.requires_grad()) result.push_back(leaf.grad());
    leaf.mutable_grad() = at::Tensor();
  }
  return result;
}

TEST(Linear, WithAnAdapterIsItsFormulaWhateverIsTrained) {
  auto generator = tensor::make_generator(2);
  for (const bool with_bias : {false, true}) {
    for (const bool all : {false, true}) {
      for (const double p : {0.0, 0.4}) {
        const at::Tensor x = at::randn({2, 5, kIn}, generator).requires_grad_(true);
        const Linear linear = make_linear(p, with_bias);
        for (at::Tensor& tensor : tensors_of(linear)) tensor.requires_grad_(all);
        linear.lora->lora_A.requires_grad_(true);
        linear.lora->lora_B.requires_grad_(true);

        at::Generator drawn = tensor::make_generator(4), again = tensor::make_generator(4);
        const Dropout dropout{.train = true, .generator = &drawn};
        const auto found = with_gradients(x, linear, linear.forward(x, dropout));
        const at::Tensor kept =
            tensor::dropped(at::ones_like(x), p, p > 0 ? tensor::draw_seed(again) : 0);
        const auto& [a, b, scaling, unused] = *linear.lora;
        const auto wanted = with_gradients(x, linear,
                                           at::linear(x, linear.weight, linear.bias) +
                                               at::linear(at::linear(x * kept, a), b) * scaling);
        ASSERT_EQ(found.size(), wanted.size());
        for (size_t i = 0; i < found.size(); ++i)
          test::expect_near(found[i], wanted[i], 1e-4, "part " + std::to_string(i));  // of some 10
        const at::NoGradGuard no_grad;
        drawn.set_current_seed(4);
        EXPECT_TRUE(linear.forward(x, dropout).equal(found[0]));
      }
    }
  }
}

TEST(Linear, KeepsOnlyItsInputForBackward) {
  const at::Tensor x = at::ones({50, kIn}).requires_grad_(true);
  Linear linear = make_linear(0.4, /*with_bias=*/false);
  linear.lora->lora_A.requires_grad_(true);
  const tensor::MemoryMeter meter;
  const at::Tensor y = linear.forward(x, {.train = true});
  EXPECT_LT(meter.live_bytes(), static_cast<int64_t>(y.nbytes()) + 50 * kRank * 4 + 2000);
}

}  // namespace
}  // namespace koi::lm
