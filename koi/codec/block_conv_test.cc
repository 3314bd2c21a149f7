#include "koi/codec/block_conv.h"

#include <gtest/gtest.h>

#include "koi/codec/row_layers.h"

namespace koi::codec {
namespace {

constexpr int64_t kChannels = 20, kOutputs = 18, kUnits = 3;

struct Sizes {
  int64_t kernel, dilation, unit_rows;
};

Conv make_test_conv(const Sizes& sizes) {
  Conv conv = make_conv(
      {.in = kChannels, .out = kOutputs, .kernel = sizes.kernel, .dilation = sizes.dilation});
  const auto fill = [](at::Tensor& x, double step) {
    x = at::sin(at::arange(x.numel(), at::kFloat) * step).view(x.sizes());
  };
  fill(conv.weight, 12.9898);
  conv.weight /= std::sqrt(static_cast<double>(kChannels * sizes.kernel));
  fill(conv.bias, 3.1);
  return conv;
}

BlockConv make_blocks(const Conv& conv, int64_t unit_rows) {
  Packing packing;
  BlockConv blocks(conv, unit_rows, packing);
  packing.run(2);
  return blocks;
}

// The rows of [1, D, L], padded, behind `lead` rows of zeros.
RowBuffer to_rows(const at::Tensor& x, int64_t lead) {
  RowBuffer rows(lead, x.size(2), row_width(x.size(1)));
  at::from_blob(rows.row(-lead), {lead + x.size(2), rows.width()}, at::kFloat)
      .zero_()
      .slice(0, lead)
      .slice(1, 0, x.size(1))
      .copy_(x[0].t());
  return rows;
}
at::Tensor from_rows(RowBuffer& rows, int64_t count, int64_t channels) {
  return at::from_blob(rows.row(0), {count, rows.width()}, at::kFloat)
      .slice(1, 0, channels)
      .t()
      .unsqueeze(0)
      .clone();
}

class BlockConvOf : public testing::TestWithParam<Sizes> {};

TEST_P(BlockConvOf, EqualsThePlainConvolution) {
  const Conv conv = make_test_conv(GetParam());
  const int64_t count = kUnits * GetParam().unit_rows;
  const at::Tensor x =
      at::sin(at::arange(kChannels * count, at::kFloat) * 7.77).view({1, kChannels, count});
  const BlockConv blocks = make_blocks(conv, GetParam().unit_rows);
  RowBuffer input = to_rows(x, blocks.history());
  RowBuffer output(0, count, row_width(kOutputs));
  const at::Tensor plain = conv.forward(x);
  blocks.forward(input.row(0), kUnits, output.row(0), false);
  // Seven points take about two bits of float32 sums of size 1.
  EXPECT_LE((from_rows(output, count, kOutputs) - plain).abs().max().item<double>(), 5e-6);
  blocks.forward(input.row(0), kUnits, output.row(0), true);
  EXPECT_LE((from_rows(output, count, kOutputs) - 2 * plain).abs().max().item<double>(), 1e-5);
}

// One unit at a time, with other rows behind it: the same bits.
TEST_P(BlockConvOf, UnitsSeeNothingBehindThem) {
  const Conv conv = make_test_conv(GetParam());
  const int64_t rows = GetParam().unit_rows, count = kUnits * rows;
  const at::Tensor x =
      at::sin(at::arange(kChannels * count, at::kFloat) * 7.77).view({1, kChannels, count});
  const BlockConv blocks = make_blocks(conv, rows);
  RowBuffer input = to_rows(x, blocks.history());
  RowBuffer whole(0, count, row_width(kOutputs)), parts(0, count, row_width(kOutputs));
  blocks.forward(input.row(0), kUnits, whole.row(0), false);
  for (int64_t unit = 0; unit < kUnits; ++unit) {
    const at::Tensor cut = x.clone();
    cut.slice(2, (unit + 1) * rows).fill_(100);
    RowBuffer cut_input = to_rows(cut, blocks.history());
    blocks.forward(cut_input.row(unit * rows), 1, parts.row(unit * rows), false);
  }
  EXPECT_TRUE(at::equal(from_rows(parts, count, kOutputs), from_rows(whole, count, kOutputs)));
}

INSTANTIATE_TEST_SUITE_P(Sizes, BlockConvOf,
                         testing::Values(Sizes{3, 1, 32}, Sizes{7, 3, 32}, Sizes{11, 5, 32},
                                         Sizes{4, 2, 7}, Sizes{11, 1, 1}, Sizes{8, 40, 48}),
                         [](const auto& tested) {
                           const Sizes& sizes = tested.param;
                           return "kernel" + std::to_string(sizes.kernel) + "by" +
                                  std::to_string(sizes.dilation) + "in" +
                                  std::to_string(sizes.unit_rows);
                         });

}  // namespace
}  // namespace koi::codec
