// The loop of a PanelProduct over an instruction set's vectors. Included by the files that are
// compiled for one instruction set each, and by nothing else (see kernel_loops.h).
//
// Simd has, F being a vector of floats:
//   kFloats; kPanelRows: rows at once, whose sums and pointers fit into the registers
//   F zero(); F load(const float*); F splat(float); void store(float*, F)
//   F add(F, F); F fma(F a, F b, F c): a * b + c
#pragma once

#include "koi/kernels/panel_product.h"

namespace koi::kernels {

template <typename Simd>
class PanelLoops {
  using F = typename Simd::F;
  static constexpr int kVectors = kPanel / Simd::kFloats, kRows = Simd::kPanelRows;

 public:
  static void multiply(const PanelProduct& product) {
    for (int64_t row = 0; row < product.rows;) {
      const int64_t left = product.rows - row;
      int64_t rows = left;
      if (left > kRows) rows = left >= 2 * kRows ? kRows : (left + 1) / 2;
      some_rows<kRows>(product, row, rows);
      row += rows;
    }
  }

 private:
  // R rows from `row` on. Each sum is made in the order of the weights, in one register.
  template <int R>
  static void rows(const PanelProduct& product, int64_t row) {
    float* output = product.output + row * product.output_step;
    F sums[R][kVectors];
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < kVectors; ++v) {
        const int64_t column = v * Simd::kFloats;
        sums[r][v] =
            product.adds ? Simd::load(output + r * product.output_step + column) : Simd::zero();
        if (product.bias != nullptr)
          sums[r][v] = Simd::add(sums[r][v], Simd::load(product.bias + column));
      }
    }
    const float* weights = product.weights;
    for (int64_t t = 0; t < product.taps; ++t) {
      const float* input = product.input + row * product.row_step + t * product.tap_step;
      for (int64_t c = 0; c < product.channels; ++c) {
        F columns[kVectors];
        for (int v = 0; v < kVectors; ++v) columns[v] = Simd::load(weights + v * Simd::kFloats);
        weights += kPanel;
        for (int r = 0; r < R; ++r) {
          const F value = Simd::splat(input[r * product.row_step + c]);
          for (int v = 0; v < kVectors; ++v) sums[r][v] = Simd::fma(value, columns[v], sums[r][v]);
        }
      }
    }
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < kVectors; ++v)
        Simd::store(output + r * product.output_step + v * Simd::kFloats, sums[r][v]);
  }

  // Fewer than all rows that fit, without a tail of one or two: those would wait for their sums.
  template <int R>
  static void some_rows(const PanelProduct& product, int64_t row, int64_t count) {
    if (count == R) return rows<R>(product, row);
    if constexpr (R > 1) some_rows<R - 1>(product, row, count);
  }
};

}  // namespace koi::kernels
