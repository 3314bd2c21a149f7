#include "koi/kernels/matrix.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

namespace koi::kernels {
namespace {

using testing::ElementsAre;

std::vector<float> normal(int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> draw(0, 0.02F);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = draw(generator);
  return values;
}

Source source_of(const std::vector<float>& values, int64_t columns) {
  return {.format = Format::f32,
          .rows = std::ssize(values) / columns,
          .columns = columns,
          .values = values.data()};
}

std::vector<float> row_of(const Matrix& matrix, int64_t row) {
  std::vector<float> values(static_cast<size_t>(matrix.columns));
  read_row(matrix, row, values.data());
  return values;
}

TEST(Matrix, NamesOfFormats) {
  for (const Format format : {Format::f32, Format::bf16, Format::int8, Format::int4})
    EXPECT_EQ(format_of(name_of(format)), format);
  EXPECT_EQ(format_of("int2"), std::nullopt);
}

TEST(Matrix, AViewAndACopyOfTheSameFormat) {
  const auto values = normal(12, 1);
  const Matrix view = view_of(source_of(values, 4));
  EXPECT_EQ(view.values, values.data());
  EXPECT_THAT(row_of(view, 1), ElementsAre(values[4], values[5], values[6], values[7]));
  Arena arena;
  const Matrix copy = make_matrix(source_of(values, 4), Format::f32, arena, 2);
  EXPECT_NE(copy.values, values.data());
  for (int64_t row = 0; row < 3; ++row) EXPECT_EQ(row_of(copy, row), row_of(view, row));
}

TEST(Matrix, Bf16RoundsToTheNearestAndTiesToEven) {
  EXPECT_EQ(f32_to_bf16(1.0F), 0x3F80);
  EXPECT_EQ(f32_to_bf16(1.00390625F), 0x3F80);  // half way, to the even one below
  EXPECT_EQ(f32_to_bf16(1.01171875F), 0x3F82);  // half way, to the even one above
  EXPECT_EQ(f32_to_bf16(-3.4e38F), 0xFF80);     // beyond the largest: infinite
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::nanf("")))));
  EXPECT_EQ(bf16_to_f32(0xC040), -3.0F);
}

TEST(Matrix, Bf16FromAndTo) {
  const auto values = normal(300, 2);
  Arena arena;
  const Matrix half = make_matrix(source_of(values, 100), Format::bf16, arena, 2);
  const Matrix back = make_matrix({.format = Format::bf16,
                                   .rows = 3,
                                   .columns = 100,
                                   .values = half.values,
                                   .owner = half.owner},
                                  Format::f32, arena, 2);
  EXPECT_EQ(row_of(back, 2), row_of(half, 2));
  for (size_t i = 0; i < 100; ++i)
    EXPECT_NEAR(row_of(half, 0)[i], values[i], std::abs(values[i]) / 256);
}

// 127.5 halves: 127.5 / 127.5 * ... the largest is clipped to 127, as in the reference.
TEST(Matrix, Int8ByTheRow) {
  std::vector<float> values(2 * 130);
  values[0] = 255;
  values[1] = -255;
  values[2] = 3;  // 1.5 steps, to the even 2
  values[129] = 2;
  Arena arena;
  const Matrix matrix = make_matrix(source_of(values, 130), Format::int8, arena, 1);
  EXPECT_EQ(matrix.scales[0], 2.0F);
  const auto row = row_of(matrix, 0);
  EXPECT_THAT(std::vector(row.begin(), row.begin() + 4), ElementsAre(254, -256, 4, 0));
  EXPECT_EQ(row[129], 2);
  EXPECT_GT(matrix.scales[1], 0);  // zeros only
  EXPECT_THAT(row_of(matrix, 1), testing::Each(0));
}

TEST(Matrix, Int4ByTheGroup) {
  auto values = normal(3 * 300, 3);  // the last group of a row is not full
  for (size_t i = 300; i < 428; ++i) values[i] = 0.5F;
  Arena arena;
  const Matrix matrix = make_matrix(source_of(values, 300), Format::int4, arena, 2);
  for (int64_t row = 0; row < 3; ++row) {
    const auto found = row_of(matrix, row);
    for (int64_t i = 0; i < 300; ++i) {
      const float step = matrix.scales[row * 3 + i / kGroup];
      EXPECT_NEAR(found[static_cast<size_t>(i)], values[static_cast<size_t>(row * 300 + i)],
                  0.5F * step + 1e-6F);
    }
  }
}

}  // namespace
}  // namespace koi::kernels
