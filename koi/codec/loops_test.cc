#include "koi/codec/loops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace koi::codec {
namespace {

// Every set that this processor knows, against plain formulas in double.
class LoopsOf : public testing::TestWithParam<kernels::Instructions> {
 protected:
  const Loops& loops() const { return loops_for(GetParam()); }
};

std::vector<float> ramp(size_t count, float step) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = (static_cast<float>(i) - static_cast<float>(count / 2)) * step;
  return values;
}

std::vector<float> noise(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(std::sin(12.9898 * static_cast<double>(i)));
  return values;
}

void expect_function(void (*function)(const float*, int64_t, float*),
                     const std::function<double(double)>& plain, double tolerance) {
  std::vector<float> x = ramp(4096, 0.05F), y(x.size());  // -102 to 102
  for (const float small : {0.0F, 1e-3F, -1e-3F, 1e-20F, 0.7F, 1e9F, -1e9F}) {
    x.push_back(small);
    x.resize(x.size() + kPanel - 1);
  }
  y.resize(x.size());
  function(x.data(), static_cast<int64_t>(x.size()), y.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const double expected = plain(static_cast<double>(x[i]));
    ASSERT_NEAR(y[i], expected, tolerance * std::max(1.0, std::abs(expected))) << x[i];
  }
  x.assign(kPanel, std::numeric_limits<float>::quiet_NaN());
  function(x.data(), kPanel, x.data());
  EXPECT_TRUE(std::isnan(x[0]) && std::isnan(x[kPanel - 1]));
}

// A unit in the last place or two, of 1 or of the result.
constexpr double kRounding = 2.5e-7;

TEST_P(LoopsOf, Silu) {
  expect_function(
      loops().silu, [](double x) { return x / (1 + std::exp(-x)); }, kRounding);
}
TEST_P(LoopsOf, Gelu) {
  expect_function(
      loops().gelu, [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }, kRounding);
}
TEST_P(LoopsOf, Tanh) {
  expect_function(
      loops().tanh, [](double x) { return std::tanh(x); }, kRounding);
}

// Of each number of rows, so that all ways to share them out are taken; a row's bits do not depend
// on it.
TEST_P(LoopsOf, Convolution) {
  constexpr int64_t kTaps = 3, kChannels = 5, kWidth = 16, kMost = 40;
  const std::vector<float> input = noise((kMost + 2 * (kTaps - 1)) * kWidth);
  const std::vector<float> weights = noise(kTaps * kChannels * kPanel), bias = noise(kPanel);
  std::vector<float> first;
  for (int64_t rows = kMost; rows > 0; --rows) {
    std::vector<float> output(static_cast<size_t>(rows * kPanel));
    kernels::PanelProduct piece = {.input = input.data(),
                                   .row_step = kWidth,
                                   .tap_step = 2 * kWidth,
                                   .taps = kTaps,
                                   .channels = kChannels,
                                   .weights = weights.data(),
                                   .bias = bias.data(),
                                   .output = output.data(),
                                   .output_step = kPanel,
                                   .rows = rows};
    loops().convolve(piece);
    if (first.empty()) first = output;
    ASSERT_EQ(output, std::vector<float>(first.begin(), first.begin() + rows * kPanel));
  }
  for (int64_t row = 0; row < kMost; ++row) {
    for (int64_t j = 0; j < kPanel; ++j) {
      double sum = bias[static_cast<size_t>(j)];
      for (int64_t t = 0; t < kTaps; ++t)
        for (int64_t c = 0; c < kChannels; ++c)
          sum += static_cast<double>(input[static_cast<size_t>((row + 2 * t) * kWidth + c)]) *
                 weights[static_cast<size_t>((t * kChannels + c) * kPanel + j)];
      ASSERT_NEAR(first[static_cast<size_t>(row * kPanel + j)], sum, 2e-6);
    }
  }
}

// In two parts, the second added to the first: the same bits as in one.
TEST_P(LoopsOf, ConvolutionInParts) {
  constexpr int64_t kRows = 7, kChannels = 8;
  const std::vector<float> input = noise(kRows * kPanel), weights = noise(kChannels * kPanel);
  const std::vector<float> bias = noise(kPanel);
  std::vector<float> whole(kRows * kPanel), parts(kRows * kPanel);
  kernels::PanelProduct piece = {.input = input.data(),
                                 .row_step = kPanel,
                                 .taps = 1,
                                 .channels = kChannels,
                                 .weights = weights.data(),
                                 .bias = bias.data(),
                                 .output = whole.data(),
                                 .output_step = kPanel,
                                 .rows = kRows};
  loops().convolve(piece);
  piece.output = parts.data();
  piece.channels = 3;
  loops().convolve(piece);
  piece.input += 3;
  piece.weights += 3 * kPanel;
  piece.channels = kChannels - 3;
  piece.bias = nullptr;
  piece.adds = true;
  loops().convolve(piece);
  EXPECT_EQ(parts, whole);
}

// block_conv_test.cc compares with the plain convolution, on the fastest set; here all are compared
// with the portable one.
TEST_P(LoopsOf, Blocks) {
  constexpr int64_t kWidth = 32, kDilation = 3, kGroups = 3, kBefore = 1, kUnit = 31;
  constexpr int64_t kPoint = (kGroups + kBefore) * kDilation * kWidth;
  constexpr int64_t kHistory = (4 * kBefore + 3) * kDilation * kWidth;
  const std::vector<float> input = noise(kHistory + kUnit * kWidth), bias = noise(kWidth);
  const auto run = [&](const Loops& set) {
    std::vector<float> points(7 * kPoint), rows(kUnit * kWidth, 0.5F);
    set.block_inputs({.rows = input.data() + kHistory,
                      .width = kWidth,
                      .dilation = kDilation,
                      .first_group = -kBefore,
                      .groups = kGroups,
                      .unit_rows = kUnit,
                      .points = points.data(),
                      .point_step = kPoint});
    set.block_outputs({.points = points.data() + kBefore * kDilation * kWidth,
                       .point_step = kPoint,
                       .width = kWidth,
                       .dilation = kDilation,
                       .groups = kGroups,
                       .unit_rows = kUnit,
                       .bias = bias.data(),
                       .adds = true,
                       .rows = rows.data()});
    points.insert(points.end(), rows.begin(), rows.end());
    return points;
  };
  const std::vector<float> plain = run(portable_loops()), found = run(loops());
  for (size_t i = 0; i < plain.size(); ++i)
    ASSERT_NEAR(found[i], plain[i], 1e-6 * std::max(20.0F, std::abs(plain[i]))) << i;
}

// Channels that fill no vector; what is beyond them stays 0.
TEST_P(LoopsOf, Norm) {
  for (const int64_t channels : {1, 7, 16, 27, 32}) {
    const int64_t width = (channels + kPanel - 1) / kPanel * kPanel;
    std::vector<float> values(static_cast<size_t>(2 * width)), weight(static_cast<size_t>(width)),
        bias(static_cast<size_t>(width));
    for (int64_t i = 0; i < channels; ++i) {
      const auto at = static_cast<size_t>(i);
      values[at] = std::sin(static_cast<float>(i)) + 3;
      values[static_cast<size_t>(width) + at] = static_cast<float>(i);
      weight[at] = 1 + 0.1F * static_cast<float>(i);
      bias[at] = 0.5F;
    }
    const std::vector<float> before = values;
    loops().norm({.values = values.data(),
                  .channels = channels,
                  .width = width,
                  .weight = weight.data(),
                  .bias = bias.data(),
                  .epsilon = 1e-6F,
                  .rows = 2});
    for (int64_t row = 0; row < 2; ++row) {
      double mean = 0, square = 0;
      const float* x = before.data() + row * width;
      for (int64_t i = 0; i < channels; ++i) mean += x[i] / static_cast<double>(channels);
      for (int64_t i = 0; i < channels; ++i)
        square += (x[i] - mean) * (x[i] - mean) / static_cast<double>(channels);
      for (int64_t i = 0; i < width; ++i) {
        const auto at = static_cast<size_t>(i);
        const double expected =
            i < channels ? (x[i] - mean) / std::sqrt(square + 1e-6) * weight[at] + bias[at] : 0;
        ASSERT_NEAR(values[static_cast<size_t>(row * width) + at], expected, 1e-5) << channels;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Instructions, LoopsOf, testing::ValuesIn(kernels::usable_instructions()),
                         [](const auto& tested) {
                           return std::string(kernels::name_of(tested.param));
                         });

}  // namespace
}  // namespace koi::codec
