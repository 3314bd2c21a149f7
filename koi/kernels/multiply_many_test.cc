#include "koi/kernels/multiply_many.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace koi::kernels {
namespace {

std::vector<float> normal(int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> draw;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = draw(generator);
  return values;
}

std::vector<float> multiply_many(const Kernels& kernels, const Matrix& matrix, const float* x,
                                 int64_t count, Team& team) {
  PackedVectors packed;
  packed.assign(normal(40 * matrix.columns, 9).data(), 40, matrix.columns, team);  // of no account
  packed.assign(x, count, matrix.columns, team);
  std::vector<float> y(static_cast<size_t>(count * matrix.rows));
  multiply_many(kernels, matrix, packed, team, y.data());
  return y;
}

class MultiplyManyTest : public testing::TestWithParam<Instructions> {};

// Rows and columns of one tile and of several, that fill none; vectors that fill no panel.
TEST_P(MultiplyManyTest, IsTheProductWithWhatTheFormatHolds) {
  const Kernels& kernels = kernels_for(GetParam());
  Team one(1), three(3);
  for (const Format format : {Format::f32, Format::bf16, Format::int8, Format::int4}) {
    for (const auto& [rows, columns] :
         std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {205, 37}, {13, 300}, {30, 4097}}) {
      const auto weights = normal(rows * columns, 1);
      Arena arena;
      const Matrix matrix = make_matrix(
          {.format = Format::f32, .rows = rows, .columns = columns, .values = weights.data()},
          format, arena, 1);
      constexpr int64_t kCount = 35;
      const auto x = normal(kCount * columns, 2);
      const auto y = multiply_many(kernels, matrix, x.data(), kCount, one);
      std::vector<float> row(static_cast<size_t>(columns));
      for (int64_t r = 0; r < rows; ++r) {
        read_row(matrix, r, row.data());
        for (int64_t n = 0; n < kCount; ++n) {
          double sum = 0, size = 0;
          for (int64_t c = 0; c < columns; ++c) {
            const double term =
                double{row[static_cast<size_t>(c)]} * x[static_cast<size_t>(n * columns + c)];
            sum += term;
            size += term * term;
          }
          // Rounding of a float32 sum in order.
          ASSERT_NEAR(y[static_cast<size_t>(n * rows + r)], sum, 4e-6 * std::sqrt(size) + 1e-12)
              << name_of(format) << " " << rows << " x " << columns << ", " << r << ", " << n;
        }
      }
      EXPECT_EQ(multiply_many(kernels, matrix, x.data(), kCount, three), y);
      const auto some = multiply_many(kernels, matrix, x.data(), 17, three);
      EXPECT_EQ(some, std::vector<float>(y.begin(), y.begin() + 17 * rows));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, MultiplyManyTest, testing::ValuesIn(usable_instructions()),
                         [](const auto& test) { return std::string(name_of(test.param)); });

}  // namespace
}  // namespace koi::kernels
