// The loops of all kernels, over the few operations in which the instruction sets differ. Included
// by the files that are compiled for one instruction set each, and by nothing else: they must not
// share a function with code that runs on every processor, so `Simd` is a type of an unnamed
// namespace there and nothing of the standard library is called here.
//
// Simd has, F and I being vectors of floats and of as many 32-bit integers, S one of twice as many
// 16-bit integers:
//   kFloats; kPanelRows (panel_loops.h)
//   F zero(); F load(const float*); F load_bf16(const uint16_t*); F splat(float);
//   F fma(F a, F b, F c): a * b + c; F add, multiply, divide, most(F, F); float sum(F)
//   F round(F): to the nearest; F power_of_two(F): of whole numbers; void store(float*, F)
//   F add_product(F sum, F a, F b): fma whose sum is to stay in its register
//   I zero_int(); F to_float(I); I add_products(I sum, S a, S b): neighbouring products are added
//   S load_short(const int16_t*); S widen(const int8_t*)
//   S load_words(const uint8_t* block, int piece): of an int4 block, kGroup / 4 words in all
//   S nibble<N>(S words)
#pragma once

#include "koi/kernels/kernels.h"
#include "koi/kernels/panel_loops.h"
#include "koi/kernels/row_loops.h"

namespace koi::kernels {

template <typename Simd>
class Loops : RowLoops<Simd> {
  using Rows = RowLoops<Simd>;
  using F = typename Simd::F;
  using I = typename Simd::I;
  using S = typename Simd::S;
  using Rows::by_vectors, Rows::dot, Rows::exp, Rows::load_some, Rows::store_some;
  static constexpr int64_t kFloats = Simd::kFloats, kShorts = 2 * kFloats;

 public:
  static constexpr Kernels kernels() {
    return {.multiply = multiply,
            .attend = attend,
            .gate = Rows::gate,
            .gate_backward = Rows::gate_backward,
            .norm = Rows::norm,
            .norm_backward = Rows::norm_backward,
            .drop = Rows::drop,
            .widen = widen,
            .multiply_panel = PanelLoops<Simd>::multiply,
            .dot = dot};
  }

 private:
  // scores[i] = q . k[i] * scale, and the largest.
  static float score(const float* q, const float* k, int64_t count, int64_t width, float scale,
                     float* scores) {
    float largest = -3e38F;
    for (int64_t i = 0; i < count; ++i) {
      scores[i] = dot(q, k + i * width, width) * scale;
      if (scores[i] > largest) largest = scores[i];
    }
    return largest;
  }

  // y = factor * the sum of scores[i] * v[i], N vectors of it.
  template <int64_t N>
  static void add_values(const float* v, const float* scores, const AttentionSizes& sizes,
                         float factor, float* y) {
    F sums[N];
    for (int64_t n = 0; n < N; ++n) sums[n] = Simd::zero();
    for (int64_t i = 0; i < sizes.positions; ++i) {
      const F score = Simd::splat(scores[i]);
      for (int64_t n = 0; n < N; ++n)
        sums[n] = Simd::fma(score, Simd::load(v + i * sizes.head_dim + n * kFloats), sums[n]);
    }
    for (int64_t n = 0; n < N; ++n)
      Simd::store(y + n * kFloats, Simd::multiply(sums[n], Simd::splat(factor)));
  }

  static void attend(const float* q, const float* k, const float* v, const AttentionSizes& sizes,
                     float* scores, float* y) {
    const int64_t width = sizes.head_dim, count = sizes.positions;
    for (int64_t head = 0; head < sizes.heads; ++head) {
      const float largest = score(q + head * width, k, count, width, sizes.scale, scores);
      F sums = Simd::zero();
      by_vectors(count, [&](int64_t i, int64_t some) {
        const F e = exp(Simd::add(load_some(scores + i, some), Simd::splat(-largest)));
        store_some(scores + i, e, some);
        sums = Simd::add(sums, load_some(scores + i, some));
      });
      const float factor = 1 / Simd::sum(sums);
      float* out = y + head * width;
      constexpr int64_t kAtOnce = 4;  // sums that do not wait for each other
      int64_t j = 0;
      for (; j + kAtOnce * kFloats <= width; j += kAtOnce * kFloats)
        add_values<kAtOnce>(v + j, scores, sizes, factor, out + j);
      for (; j + kFloats <= width; j += kFloats)
        add_values<1>(v + j, scores, sizes, factor, out + j);
      by_vectors(width - j, [&](int64_t, int64_t some) {
        F sum = Simd::zero();
        for (int64_t i = 0; i < count; ++i)
          sum = Simd::fma(Simd::splat(scores[i]), load_some(v + i * width + j, some), sum);
        store_some(out + j, Simd::multiply(sum, Simd::splat(factor)), some);
      });
    }
  }

  // While part `part` of R rows that lie at `rows` is read, asks for as much of what follows them,
  // from its beginning on: memory is then read in one stream, whatever the rows' length. Into the
  // second cache: the first one waits for fewer lines at once than a stream needs.
  template <int R>
  static void fetch_next(const void* rows, int64_t row_bytes, int64_t part, int64_t part_bytes) {
    constexpr int64_t kNearest = 8192;  // what is nearer would not be there in time
    const int64_t next = R * row_bytes < kNearest ? kNearest : R * row_bytes;
    const char* from = static_cast<const char*>(rows) + next + part * R * part_bytes;
    for (int64_t i = 0; i < R * part_bytes; i += 64) __builtin_prefetch(from + i, 0, 2);
  }

  // What the formats differ in: `Row` is one row's weights; add() adds block or vector `at` of R
  // rows times N vectors.
  struct PlainF32 {
    using Value = float;
    static F load(const float* from) { return Simd::load(from); }
    static float one(float value) { return value; }
  };
  struct PlainBf16 {
    using Value = uint16_t;
    static F load(const uint16_t* from) { return Simd::load_bf16(from); }
    static float one(uint16_t value) {
      const uint32_t bits = static_cast<uint32_t>(value) << 16;
      float result;
      __builtin_memcpy(&result, &bits, sizeof result);
      return result;
    }
  };

  // Plain loops, of which the compiler makes what the instruction set has.
  static void widen(const Matrix& matrix, int64_t row, float* out) {
    const int64_t columns = matrix.columns, bytes = matrix.row_bytes();
    const char* from = static_cast<const char*>(matrix.values) + row * bytes;
    if (matrix.format == Format::bf16) {
      const auto* values = reinterpret_cast<const uint16_t*>(from);
      for (int64_t i = 0; i < columns; ++i) out[i] = PlainBf16::one(values[i]);
    } else if (matrix.format == Format::int8) {
      const auto* values = reinterpret_cast<const int8_t*>(from);
      const float scale = matrix.scales[row];
      for (int64_t i = 0; i < columns; ++i) out[i] = static_cast<float>(values[i]) * scale;
    } else if (matrix.format == Format::int4) {
      widen_int4(matrix, row, reinterpret_cast<const uint8_t*>(from), out);
    } else {
      const auto* values = reinterpret_cast<const float*>(from);
      for (int64_t i = 0; i < columns; ++i) out[i] = values[i];
    }
  }
  static void widen_int4(const Matrix& matrix, int64_t row, const uint8_t* from, float* out) {
    const int64_t blocks = blocks_of(matrix.columns);
    for (int64_t block = 0; block < blocks; ++block) {
      const float scale = matrix.scales[row * blocks + block];
      const float least = matrix.least[row * blocks + block];
      float values[kGroup];
      for (int half = 0; half < 2; ++half) {
        uint16_t words[16];
        __builtin_memcpy(words, from + block * kGroup / 2 + 32 * half, sizeof words);
        for (int n = 0; n < 4; ++n)
          for (int l = 0; l < 16; ++l)
            values[64 * half + 16 * n + l] =
                least + scale * static_cast<float>((words[l] >> (4 * n)) & 15);
      }
      const int64_t first = block * kGroup;
      const int64_t count = matrix.columns - first < kGroup ? matrix.columns - first : kGroup;
      for (int64_t i = 0; i < count; ++i) out[first + i] = values[i];
    }
  }

  template <typename Plain, int R, int N>
  static void plain_rows(const Matrix& matrix, int64_t row, const Inputs& inputs, int64_t vector,
                         float* y) {
    const int64_t columns = matrix.columns;
    const auto* weights = static_cast<const typename Plain::Value*>(matrix.values) + row * columns;
    const float* x[N];
    for (int n = 0; n < N; ++n) x[n] = inputs.floats(vector + n);
    F sums[R][N];
    for (int r = 0; r < R; ++r)
      for (int n = 0; n < N; ++n) sums[r][n] = Simd::zero();
    constexpr int64_t kSize = sizeof(typename Plain::Value), kPart = 64;
    const auto add = [&](int64_t i) {
      F values[N];
      for (int n = 0; n < N; ++n) values[n] = Simd::load(x[n] + i);
      for (int r = 0; r < R; ++r) {
        const F weight = Plain::load(weights + r * columns + i);
        for (int n = 0; n < N; ++n) sums[r][n] = Simd::add_product(sums[r][n], weight, values[n]);
      }
    };
    int64_t i = 0;
    for (; i + kPart <= columns; i += kPart) {
      fetch_next<R>(weights, columns * kSize, i / kPart, kPart * kSize);
      for (int64_t j = i; j < i + kPart; j += kFloats) add(j);
    }
    for (; i + kFloats <= columns; i += kFloats) add(i);
    for (int r = 0; r < R; ++r) {
      for (int n = 0; n < N; ++n) {
        float sum = Simd::sum(sums[r][n]);
        for (int64_t j = i; j < columns; ++j) sum += Plain::one(weights[r * columns + j]) * x[n][j];
        y[(vector + n) * matrix.rows + row + r] = sum;
      }
    }
  }

  template <int R, int N>
  static void int8_rows(const Matrix& matrix, int64_t row, const Inputs& inputs, int64_t vector,
                        float* y) {
    const int64_t blocks = blocks_of(matrix.columns);
    const int8_t* weights = static_cast<const int8_t*>(matrix.values) + row * blocks * kGroup;
    F sums[R][N];
    for (int r = 0; r < R; ++r)
      for (int n = 0; n < N; ++n) sums[r][n] = Simd::zero();
    for (int64_t block = 0; block < blocks; ++block) {
      fetch_next<R>(weights, blocks * kGroup, block, kGroup);
      I exact[R][N];
      for (int r = 0; r < R; ++r)
        for (int n = 0; n < N; ++n) exact[r][n] = Simd::zero_int();
      const int16_t* x[N];
      for (int n = 0; n < N; ++n) x[n] = inputs.values(vector + n) + block * kGroup;
#pragma GCC unroll 8
      for (int64_t i = 0; i < kGroup; i += kShorts) {
        S values[N];
        for (int n = 0; n < N; ++n) values[n] = Simd::load_short(x[n] + i);
        for (int r = 0; r < R; ++r) {
          const S weight = Simd::widen(weights + (r * blocks + block) * kGroup + i);
          for (int n = 0; n < N; ++n)
            exact[r][n] = Simd::add_products(exact[r][n], weight, values[n]);
        }
      }
      for (int n = 0; n < N; ++n) {
        const F scale = Simd::splat(inputs.scales(vector + n)[block]);
        for (int r = 0; r < R; ++r)
          sums[r][n] = Simd::fma(Simd::to_float(exact[r][n]), scale, sums[r][n]);
      }
    }
    for (int r = 0; r < R; ++r)
      for (int n = 0; n < N; ++n)
        y[(vector + n) * matrix.rows + row + r] = Simd::sum(sums[r][n]) * matrix.scales[row + r];
  }

  template <int Nibble, int R, int N>
  static void add_nibbles(const S (&words)[R], const int16_t* const (&x)[N], int piece,
                          I (&exact)[R][N]) {
    S values[N];
    for (int n = 0; n < N; ++n)
      values[n] = Simd::load_short(x[n] + Nibble * kGroup / 4 + piece * kShorts);
    for (int r = 0; r < R; ++r) {
      const S weight = Simd::template nibble<Nibble>(words[r]);
      for (int n = 0; n < N; ++n) exact[r][n] = Simd::add_products(exact[r][n], weight, values[n]);
    }
  }

  template <int R, int N>
  static void int4_rows(const Matrix& matrix, int64_t row, const Inputs& inputs, int64_t vector,
                        float* y) {
    constexpr int kPieces = static_cast<int>(kGroup / 4 / kShorts);
    const int64_t blocks = blocks_of(matrix.columns);
    const uint8_t* weights = static_cast<const uint8_t*>(matrix.values) + row * blocks * kGroup / 2;
    F sums[R][N];
    float offsets[R][N];
    for (int r = 0; r < R; ++r) {
      for (int n = 0; n < N; ++n) {
        sums[r][n] = Simd::zero();
        offsets[r][n] = 0;
      }
    }
    for (int64_t block = 0; block < blocks; ++block) {
      fetch_next<R>(weights, blocks * kGroup / 2, block, kGroup / 2);
      const int16_t* x[N];
      for (int n = 0; n < N; ++n) x[n] = inputs.values(vector + n) + block * kGroup;
      I exact[R][N];
      for (int r = 0; r < R; ++r)
        for (int n = 0; n < N; ++n) exact[r][n] = Simd::zero_int();
      for (int piece = 0; piece < kPieces; ++piece) {
        S words[R];
        for (int r = 0; r < R; ++r)
          words[r] = Simd::load_words(weights + (r * blocks + block) * kGroup / 2, piece);
        add_nibbles<0>(words, x, piece, exact);
        add_nibbles<1>(words, x, piece, exact);
        add_nibbles<2>(words, x, piece, exact);
        add_nibbles<3>(words, x, piece, exact);
      }
      for (int r = 0; r < R; ++r) {
        const int64_t group = (row + r) * blocks + block;
        for (int n = 0; n < N; ++n) {
          const F scale = Simd::splat(inputs.scales(vector + n)[block] * matrix.scales[group]);
          sums[r][n] = Simd::fma(Simd::to_float(exact[r][n]), scale, sums[r][n]);
          offsets[r][n] += inputs.sums(vector + n)[block] * matrix.least[group];
        }
      }
    }
    for (int r = 0; r < R; ++r)
      for (int n = 0; n < N; ++n)
        y[(vector + n) * matrix.rows + row + r] = Simd::sum(sums[r][n]) + offsets[r][n];
  }

  template <int R, int N>
  static void rows(const Matrix& matrix, int64_t row, const Inputs& inputs, int64_t vector,
                   float* y) {
    switch (matrix.format) {
      case Format::f32:
        return plain_rows<PlainF32, R, N>(matrix, row, inputs, vector, y);
      case Format::bf16:
        return plain_rows<PlainBf16, R, N>(matrix, row, inputs, vector, y);
      case Format::int8:
        return int8_rows<R, N>(matrix, row, inputs, vector, y);
      case Format::int4:
        return int4_rows<R, N>(matrix, row, inputs, vector, y);
    }
  }

  // R rows times all vectors: four at a time, so that a row's weights are widened once for four.
  template <int R>
  static void rows_times_all(const Matrix& matrix, int64_t row, const Inputs& inputs, float* y) {
    int64_t vector = 0;
    for (; vector + 4 <= inputs.count(); vector += 4) rows<R, 4>(matrix, row, inputs, vector, y);
    if (vector + 2 <= inputs.count()) {
      rows<R, 2>(matrix, row, inputs, vector, y);
      vector += 2;
    }
    if (vector < inputs.count()) rows<R, 1>(matrix, row, inputs, vector, y);
  }

  static void multiply(const Matrix& matrix, int64_t first, int64_t last, const Inputs& inputs,
                       float* y) {
    int64_t row = first;
    for (; row + 2 <= last; row += 2) rows_times_all<2>(matrix, row, inputs, y);
    if (row < last) rows_times_all<1>(matrix, row, inputs, y);
  }
};

}  // namespace koi::kernels
