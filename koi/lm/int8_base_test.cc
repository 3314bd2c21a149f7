#include "koi/lm/int8_base.h"

#include <gtest/gtest.h>

#include "koi/kernels/matrix.h"
#include "koi/tensor/random.h"
#include "tests/support/tensor_near.h"

namespace koi::lm {
namespace {

// What the rows of the kernels' matrix say: half a step away at most, and its scale is rounded to
// bfloat16.
TEST(QuantizeBase, IsTheProductWithTheKernelsMatrix) {
  auto generator = tensor::make_generator(2);
  ModelConfig config;
  config.vocab_size = 40;
  config.n_layer = 1;
  config.n_head = 2;
  config.n_local_heads = 1;
  config.dim = 16;
  config.intermediate_size = 24;
  config.n_fast_layer = 1;
  config.tie_word_embeddings = false;
  DualAr model(config, 5);
  model.visit(
      [&](const std::string&, at::Tensor& value) { value = at::randn(value.sizes(), generator); });
  const at::Tensor full = model.layers[0].feed_forward.w2.weight;  // [16, 24]
  const at::Tensor trained = model.layers[0].feed_forward.w1.weight.requires_grad_(true);
  const at::Tensor embeddings = model.embeddings.weight;
  quantize_base(model);
  EXPECT_TRUE(model.layers[0].feed_forward.w1.weight.is_same(trained));
  EXPECT_TRUE(model.embeddings.weight.is_same(embeddings));

  kernels::Arena arena;
  const kernels::Matrix matrix =
      kernels::make_matrix({.rows = 16, .columns = 24, .values = full.const_data_ptr()},
                           kernels::Format::int8, arena, 1);
  at::Tensor rows = at::empty_like(full);
  for (int64_t i = 0; i < 16; ++i) kernels::read_row(matrix, i, rows[i].mutable_data_ptr<float>());
  EXPECT_GT(test::max_difference(rows, full), 0);
  EXPECT_LT(test::max_difference(rows, full),
            full.abs().max().item<double>() * (1.0 / 255 + 1.0 / 512));

  for (const bool adapted : {false, true}) {
    Linear& w2 = model.layers[0].feed_forward.w2;
    EXPECT_EQ(w2.weight.scalar_type(), at::kChar);
    if (adapted) w2.lora = Adapter{at::randn({2, 24}, generator), at::randn({16, 2}, generator)};
    const Linear wide{.weight = rows, .bias = {}, .lora = w2.lora};
    const at::Tensor x = at::randn({7, 24}, generator).requires_grad_(true);
    const auto value_and_gradient = [&](const Linear& layer) {
      x.mutable_grad() = at::Tensor();
      const at::Tensor y = layer.forward(x, {});
      y.sin().sum().backward();
      return std::array{y.detach(), x.grad()};
    };
    const auto found = value_and_gradient(w2), wanted = value_and_gradient(wide);
    for (size_t i = 0; i < found.size(); ++i)
      test::expect_near(found[i], wanted[i], 1e-4, "part " + std::to_string(i));  // of some 10
  }
}

}  // namespace
}  // namespace koi::lm
