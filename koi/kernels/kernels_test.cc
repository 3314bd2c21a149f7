#include "koi/kernels/kernels.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "koi/base/error.h"

namespace koi::kernels {
namespace {

std::vector<float> normal(int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> draw;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = draw(generator);
  return values;
}

double dot_of(const float* a, const float* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += double{a[i]} * b[i];
  return sum;
}

class KernelsTest : public testing::TestWithParam<Instructions> {
 protected:
  const Kernels& kernels() const { return kernels_for(GetParam()); }
};

// Every count of rows and vectors that is treated in a way of its own, and columns that fill no
// vector and no group. Nothing but the rows asked for is written.
TEST_P(KernelsTest, MultiplyIsTheProductWithWhatTheFormatHolds) {
  constexpr float kUntouched = 77;
  for (const Format format : {Format::f32, Format::bf16, Format::int8, Format::int4}) {
    for (const int64_t columns : {1, 37, 128, 300}) {
      constexpr int64_t kRows = 13;
      const auto weights = normal(kRows * columns, 1);
      Arena arena;
      const Matrix matrix = make_matrix(
          {.format = Format::f32, .rows = kRows, .columns = columns, .values = weights.data()},
          format, arena, 1);
      for (int64_t count = 1; count <= Inputs::kMost; ++count) {
        auto x = normal(count * columns, 2);
        for (int64_t i = 0; i < columns; ++i)
          x[static_cast<size_t>(i)] *= 1000;  // of its own scale
        Inputs inputs;
        inputs.assign(x.data(), count, columns, format);
        std::vector<float> y(static_cast<size_t>(count * kRows), kUntouched),
            row(static_cast<size_t>(columns));
        kernels().multiply(matrix, 1, 12, inputs, y.data());
        for (int64_t n = 0; n < count; ++n) {
          const float* vector = x.data() + n * columns;
          const double size = std::sqrt(dot_of(vector, vector, columns));
          EXPECT_EQ(y[static_cast<size_t>(n * kRows)], kUntouched);
          EXPECT_EQ(y[static_cast<size_t>(n * kRows + 12)], kUntouched);
          for (int64_t r = 1; r < 12; ++r) {
            read_row(matrix, r, row.data());
            // Plain formats: rounding of sums. Others: 2^-16 of the largest input of a group.
            const double tolerance =
                (format == Format::f32 || format == Format::bf16 ? 1e-6 : 1e-4);
            const double length = std::sqrt(dot_of(row.data(), row.data(), columns));
            ASSERT_NEAR(y[static_cast<size_t>(n * kRows + r)], dot_of(row.data(), vector, columns),
                        tolerance * size * length)
                << name_of(format) << ", " << columns << " columns, row " << r << ", vector " << n;
          }
        }
      }
    }
  }
}

TEST_P(KernelsTest, WidenReadsRows) {
  for (const Format format : {Format::f32, Format::bf16, Format::int8, Format::int4}) {
    for (const int64_t columns : {1, 37, 128, 300}) {
      const auto weights = normal(3 * columns, 1);
      Arena arena;
      const Matrix matrix = make_matrix(
          {.format = Format::f32, .rows = 3, .columns = columns, .values = weights.data()}, format,
          arena, 1);
      constexpr float kUntouched = 77;
      std::vector<float> found(static_cast<size_t>(columns + 1), kUntouched), expected = found;
      for (int64_t row = 0; row < 3; ++row) {
        kernels().widen(matrix, row, found.data());
        read_row(matrix, row, expected.data());
        EXPECT_EQ(found, expected) << name_of(format) << ", " << columns << " columns";
      }
    }
  }
}

TEST_P(KernelsTest, ZerosAndHugeInputs) {
  const auto weights = normal(256, 1);
  for (const Format format : {Format::int8, Format::int4}) {
    Arena arena;
    const Matrix matrix =
        make_matrix({.format = Format::f32, .rows = 1, .columns = 256, .values = weights.data()},
                    format, arena, 1);
    std::vector<float> x(256), row(256);
    read_row(matrix, 0, row.data());
    for (const float value : {0.0F, 1e-38F, -1e30F}) {
      x[200] = value;
      Inputs inputs;
      inputs.assign(x.data(), 1, 256, format);
      float y = 1;
      kernels().multiply(matrix, 0, 1, inputs, &y);
      EXPECT_NEAR(y, double{row[200]} * value, 1e-4 * std::abs(double{row[200]} * value) + 1e-37);
    }
    x[3] = std::nanf("");
    Inputs inputs;
    inputs.assign(x.data(), 1, 256, format);
    float y = 1;
    kernels().multiply(matrix, 0, 1, inputs, &y);
    EXPECT_TRUE(std::isnan(y));
  }
}

TEST_P(KernelsTest, Dot) {
  for (const int64_t count : {0, 1, 31, 64, 203}) {
    const auto a = normal(count, 1), b = normal(count, 2);
    EXPECT_NEAR(kernels().dot(a.data(), b.data(), count), dot_of(a.data(), b.data(), count), 1e-4);
  }
}

TEST_P(KernelsTest, GateIsSiluTimes) {
  std::vector<float> a{0, 1, -1, 20, -20, 87, -87, 100, -100, 1e10F, -1e10F, 0.001F, 3, -3};
  const auto b = normal(std::ssize(a), 1);
  std::vector<float> y(a.size());
  kernels().gate(a.data(), b.data(), std::ssize(a), y.data());
  for (size_t i = 0; i < a.size(); ++i) {
    const double expected = a[i] / (1 + std::exp(-double{a[i]})) * b[i];
    EXPECT_NEAR(y[i], expected, 1e-6 * std::abs(expected) + 1e-27) << a[i];
  }
}

TEST_P(KernelsTest, GateBackwardIsTheSlope) {
  const std::vector<float> a{0, 1, -1, 20, -20, 100, -100, 1e10F, -1e10F, 0.001F, 3, -3, 5};
  const auto b = normal(std::ssize(a), 1), g = normal(std::ssize(a), 2);
  std::vector<float> ga(a.size()), gb(a.size());
  kernels().gate_backward(
      {.g = g.data(), .a = a.data(), .b = b.data(), .ga = ga.data(), .gb = gb.data()},
      std::ssize(a));
  for (size_t i = 0; i < a.size(); ++i) {
    const double s = 1 / (1 + std::exp(-double{a[i]}));
    const double slope = s + a[i] * s * (1 - s), silu = a[i] * s;
    EXPECT_NEAR(ga[i], g[i] * b[i] * slope, 1e-6) << a[i];
    EXPECT_NEAR(gb[i], g[i] * silu, 1e-6 * std::abs(silu) + 1e-27) << a[i];
  }
}

TEST_P(KernelsTest, NormAndItsGradient) {
  for (const int64_t count : {1, 7, 64, 203}) {
    const auto x = normal(count, 1), weight = normal(count, 2), g = normal(count, 3);
    const NormRow row{.x = x.data(), .weight = weight.data(), .count = count, .eps = 1e-3F};
    std::vector<float> y(x.size()), gx(x.size());
    const float inverse = kernels().norm(row, y.data());
    kernels().norm_backward(row, g.data(), inverse, gx.data());
    const double expected =
        1 / std::sqrt(dot_of(x.data(), x.data(), count) / static_cast<double>(count) + 1e-3);
    EXPECT_NEAR(inverse, expected, 1e-6 * expected);
    double along = 0;
    for (size_t i = 0; i < x.size(); ++i) along += double{g[i]} * weight[i] * x[i] * expected;
    for (size_t i = 0; i < x.size(); ++i) {
      EXPECT_NEAR(y[i], x[i] * expected * weight[i], 1e-5);
      const double slope =
          (g[i] * weight[i] - x[i] * expected * along / static_cast<double>(count)) * expected;
      EXPECT_NEAR(gx[i], slope, 1e-5 * (1 + expected));
    }
  }
}

TEST_P(KernelsTest, DropsTheSameWhereverARowIsCut) {
  const Draws draws{.low = 1, .high = 2, .least = 1U << 30, .scale = 4.0F / 3};  // a quarter
  const std::vector<float> x(10000, 1);
  std::vector<float> whole(x.size()), parts(x.size()), plain(x.size());
  kernels().drop(x.data(), 0, std::ssize(x), draws, whole.data());
  for (size_t from = 0; from < x.size(); from += 77) {
    const auto count = static_cast<int64_t>(std::min<size_t>(77, x.size() - from));
    kernels().drop(x.data() + from, static_cast<uint32_t>(from), count, draws, parts.data() + from);
  }
  EXPECT_EQ(parts, whole);
  kernels_for(Instructions::portable).drop(x.data(), 0, std::ssize(x), draws, plain.data());
  EXPECT_EQ(plain, whole);
  for (Draws others = draws; uint32_t * part : {&others.low, &others.high}) {
    *part += 7;
    kernels().drop(x.data(), 0, std::ssize(x), others, parts.data());
    EXPECT_NE(parts, whole);
    *part -= 7;
  }
  const auto kept = std::ranges::count(whole, 4.0F / 3);
  EXPECT_EQ(kept + std::ranges::count(whole, 0.0F), std::ssize(x));
  EXPECT_NEAR(static_cast<double>(kept) / 10000, 0.75, 0.02);  // 4.6 standard deviations
}

TEST_P(KernelsTest, AttendIsSoftmaxOfScores) {
  constexpr int64_t kHeads = 3;
  for (const int64_t width : {2, 10, 64}) {
    for (const int64_t positions : {1, 7, 50}) {
      auto q = normal(kHeads * width, 1);
      for (float& value : q) value *= 20;  // so that one position has nearly all
      const auto k = normal(positions * width, 2), v = normal(positions * width, 3);
      std::vector<float> scores(static_cast<size_t>(positions)), y(q.size());
      const AttentionSizes sizes{
          .heads = kHeads, .head_dim = width, .positions = positions, .scale = 0.5F};
      kernels().attend(q.data(), k.data(), v.data(), sizes, scores.data(), y.data());
      for (int64_t head = 0; head < kHeads; ++head) {
        std::vector<double> weights;
        double sum = 0, largest = -1e300;
        for (int64_t i = 0; i < positions; ++i) {
          weights.push_back(0.5 * dot_of(q.data() + head * width, k.data() + i * width, width));
          largest = std::max(largest, weights.back());
        }
        for (double& weight : weights) sum += weight = std::exp(weight - largest);
        for (int64_t j = 0; j < width; ++j) {
          double expected = 0;
          for (int64_t i = 0; i < positions; ++i)
            expected +=
                weights[static_cast<size_t>(i)] / sum * v[static_cast<size_t>(i * width + j)];
          EXPECT_NEAR(y[static_cast<size_t>(head * width + j)], expected, 1e-4);
        }
      }
    }
  }
}

// Damaged weights must not sound like speech.
TEST_P(KernelsTest, NotANumberIsKept) {
  const float nan = std::nanf("");
  std::vector<float> q(8, 1), k(8 * 5, 1), v(8 * 5, 1), scores(5), y(8);
  k[3] = nan;
  kernels().attend(q.data(), k.data(), v.data(), {.heads = 1, .head_dim = 8, .positions = 5},
                   scores.data(), y.data());
  EXPECT_THAT(y, testing::Each(testing::IsNan()));
  kernels().gate(&nan, q.data(), 1, y.data());
  EXPECT_TRUE(std::isnan(y[0]));
  const std::vector<float> ones(8, 1), damaged{1, nan, 1, 1, 1, 1, 1, 1};
  const NormRow row{.x = damaged.data(), .weight = ones.data(), .count = 8};
  EXPECT_TRUE(std::isnan(kernels().norm(row, y.data())));
  EXPECT_THAT(y, testing::Each(testing::IsNan()));
  const std::vector<float> weights(256, nan), x(256, 1);
  for (const Format format : {Format::int8, Format::int4}) {
    Arena arena;
    const Matrix matrix =
        make_matrix({.format = Format::f32, .rows = 1, .columns = 256, .values = weights.data()},
                    format, arena, 1);
    Inputs inputs;
    inputs.assign(x.data(), 1, 256, format);
    kernels().multiply(matrix, 0, 1, inputs, y.data());
    EXPECT_TRUE(std::isnan(y[0])) << name_of(format);
  }
}

INSTANTIATE_TEST_SUITE_P(All, KernelsTest, testing::ValuesIn(usable_instructions()),
                         [](const auto& test) { return std::string(name_of(test.param)); });

// Loads of a whole line are half as fast where they begin elsewhere.
TEST(Inputs, EachVectorBeginsALineOfTheCache) {
  constexpr int64_t kVectors = 3, kColumns = 37;
  const auto x = normal(kVectors * kColumns, 1);
  const auto offset = [](const void* at) { return reinterpret_cast<uintptr_t>(at) % 64; };
  Inputs inputs;
  for (int64_t i = 0; i < kVectors; ++i) {
    inputs.assign(x.data(), kVectors, kColumns, Format::bf16);
    EXPECT_EQ(offset(inputs.floats(i)), 0U);
    EXPECT_TRUE(std::equal(inputs.floats(i), inputs.floats(i) + kColumns, &x[i * kColumns]));
    inputs.assign(x.data(), kVectors, kColumns, Format::int8);
    EXPECT_EQ(offset(inputs.values(i)), 0U);
  }
}

TEST(Kernels, UnknownInstructionsAreRefused) {
#if defined(__x86_64__)
  EXPECT_THROW(kernels_for(Instructions::neon), Error);
#else
  EXPECT_THROW(kernels_for(Instructions::avx2), Error);
#endif
}

}  // namespace
}  // namespace koi::kernels
