#include "koi/kernels/multiply_many.h"

#include <algorithm>

namespace koi::kernels {
namespace {

// Columns of a panel that stay in the first cache while rows go by.
constexpr int64_t kColumns = 256;
// Weights of a tile of rows, which stay in the second.
constexpr int64_t kTileFloats = 48 << 10;

// Rows of a tile: no instruction set, which takes 6 or 8 at once, is left with fewer than 5.
int64_t tile_rows(int64_t columns) {
  constexpr int64_t kUnit = 12;
  return std::clamp(kTileFloats / columns / kUnit * kUnit, kUnit, 8 * kUnit);
}

// Of this thread, as large as it was ever needed.
float* scratch(int64_t count) {
  thread_local std::vector<float> values;
  if (std::ssize(values) < count) values.resize(static_cast<size_t>(count));
  return values.data();
}

}  // namespace

void PackedVectors::assign(const float* x, int64_t count, int64_t columns, Team& team) {
  count_ = count;
  columns_ = columns;
  const int64_t panels = (count + kPanel - 1) / kPanel;
  values_.resize(static_cast<size_t>(panels * columns * kPanel));
  team.share(panels, 1, [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p) {
      float* to = values_.data() + p * columns * kPanel;
      const int64_t there = std::min(kPanel, count - p * kPanel);
      if (there < kPanel) std::fill_n(to, columns * kPanel, 0.0F);
      for (int64_t j = 0; j < there; ++j) {
        const float* from = x + (p * kPanel + j) * columns;
        for (int64_t c = 0; c < columns; ++c) to[c * kPanel + j] = from[c];
      }
    }
  });
}

void multiply_many(const Kernels& kernels, const Matrix& matrix, const PackedVectors& x, Team& team,
                   float* y) {
  const int64_t columns = matrix.columns, rows = tile_rows(columns);
  const bool widens = matrix.format != Format::f32;
  team.share(matrix.rows, rows, [&](int64_t first, int64_t last) {
    const int64_t count = (last - first) * kPanel;
    float* products = scratch(rows * (2 * kPanel + columns));  // [rows, kPanel], of some columns
    float* sums = products + rows * kPanel;
    const float* weights = static_cast<const float*>(matrix.values) + first * columns;
    if (widens) {
      float* widened = sums + rows * kPanel;
      for (int64_t r = first; r < last; ++r)
        kernels.widen(matrix, r, widened + (r - first) * columns);
      weights = widened;
    }
    for (int64_t begin = 0; begin < x.count(); begin += kPanel) {
      const float* panel = x.panel(begin / kPanel);
      std::fill_n(sums, count, 0.0F);
      for (int64_t c = 0; c < columns; c += kColumns) {
        kernels.multiply_panel({.input = weights + c,
                                .row_step = columns,
                                .channels = std::min(kColumns, columns - c),
                                .weights = panel + c * kPanel,
                                .output = products,
                                .output_step = kPanel,
                                .rows = last - first});
        // A sum of short sums is rounded less.
        for (int64_t i = 0; i < count; ++i) sums[i] += products[i];
      }
      const int64_t there = std::min(kPanel, x.count() - begin);
      for (int64_t j = 0; j < there; ++j)
        for (int64_t r = first; r < last; ++r)
          y[(begin + j) * matrix.rows + r] = sums[(r - first) * kPanel + j];
    }
  });
}

}  // namespace koi::kernels
