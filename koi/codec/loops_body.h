// The loops for one width of vectors. Included by the files that are compiled for one instruction
// set each, behind their kFloats (floats of a vector) and kRows (rows of a convolution whose sums
// fit into the registers), and by nothing else: they must not share a function with code that runs
// on every processor, so all of this stands in an unnamed namespace and calls nothing of the
// standard library. Vectors are GCC's; products and sums are contracted where the processor can.

#include "koi/codec/loops.h"
#include "koi/kernels/panel_loops.h"

namespace koi::codec {
namespace {

using F = float __attribute__((vector_size(4 * kFloats)));
using I = int32_t __attribute__((vector_size(4 * kFloats)));
using Unaligned = float __attribute__((vector_size(4 * kFloats), aligned(4), may_alias));

F load(const float* from) { return *reinterpret_cast<const Unaligned*>(from); }
void store(float* to, F a) { *reinterpret_cast<Unaligned*>(to) = a; }
// Without an addition: a - 0 is a, of either sign.
F splat(float value) { return value - F{}; }
// NaN where `a` is.
F most(F a, F b) { return a < b ? b : a; }
F least(F a, F b) { return a > b ? b : a; }

// e to the x within 2 units in the last place; x counts as -87 below that and 88 above.
F exp(F x) {
  x = least(most(x, splat(-87)), splat(88));
  const F shift = splat(12582912);  // 1.5 * 2^23: the sum's last bits are the nearest whole number
  const F shifted = x * 1.44269504F + shift;
  const F n = shifted - shift;
  F rest = x - n * 0.693359375F;  // ln 2 in two parts
  rest += n * 2.12194440e-4F;
  F sum = splat(1.0F / 5040);
  for (const float taylor : {1.0F / 720, 1.0F / 120, 1.0F / 24, 1.0F / 6, 0.5F, 1.0F, 1.0F})
    sum = sum * rest + taylor;
  const I power = (__builtin_bit_cast(I, shifted) << 23) + 0x3F800000;
  return sum * __builtin_bit_cast(F, power);
}

template <typename Of>
void map(const float* x, int64_t count, float* y, const Of& of) {
  for (int64_t i = 0; i < count; i += kFloats) store(y + i, of(load(x + i)));
}

void silu(const float* x, int64_t count, float* y) {
  map(x, count, y, [](F a) { return a / (1 + exp(-a)); });
}

void tanh(const float* x, int64_t count, float* y) {
  map(x, count, y, [](F a) { return 1 - 2 / (exp(2 * a) + 1); });
}

// The normal distribution at -|x| is exp(-x^2 / 2) t P(t) with t = 1 / (1 + 0.32 |x|); P is the
// polynomial of degree 9 with the least relative error, 3.2e-8, found by weighted least squares.
void gelu(const float* x, int64_t count, float* y) {
  map(x, count, y, [](F a) {
    const F size = most(a, -a);
    const F t = 1 / (1 + size * 0.32F);
    F sum = splat(-0.0210783218F);
    for (const float next : {0.0954079499F, -0.14670876F, 0.0653293413F, -0.00937834056F,
                             0.058654224F, 0.0878290538F, 0.114622362F, 0.127660947F, 0.127661529F})
      sum = sum * t + next;
    const F tail = exp(size * size * -0.5F) * t * sum;
    return a > 0 ? a - a * tail : a * tail;
  });
}

void add(const float* x, int64_t count, float* y) {
  for (int64_t i = 0; i < count; i += kFloats) store(y + i, load(y + i) + load(x + i));
}

void scale(float factor, int64_t count, float* values) {
  map(values, count, values, [factor](F a) { return a * factor; });
}

void norm(const NormPiece& piece) {
  const auto count = static_cast<float>(piece.channels);
  for (int64_t r = 0; r < piece.rows; ++r) {
    float* row = piece.values + r * piece.width;
    // What is beyond the channels is 0, so it takes no part in the sum, and is left out of the
    // squares.
    F sums = {};
    for (int64_t i = 0; i < piece.width; i += kFloats) sums += load(row + i);
    float sum = 0;
    for (int i = 0; i < kFloats; ++i) sum += sums[i];
    const float mean = sum / count;
    const int64_t whole = piece.channels / kFloats * kFloats;
    F squares = {};
    for (int64_t i = 0; i < whole; i += kFloats) {
      const F off = load(row + i) - mean;
      squares += off * off;
    }
    float square = 0;
    for (int i = 0; i < kFloats; ++i) square += squares[i];
    for (int64_t i = whole; i < piece.channels; ++i) square += (row[i] - mean) * (row[i] - mean);
    const float factor = 1 / __builtin_sqrtf(square / count + piece.epsilon);
    for (int64_t i = 0; i < piece.width; i += kFloats)
      store(row + i,
            (load(row + i) - mean) * factor * load(piece.weight + i) + load(piece.bias + i));
  }
}

void convolve_depthwise(const DepthwisePiece& piece) {
  for (int64_t r = 0; r < piece.rows; ++r) {
    for (int64_t c = 0; c < piece.width; c += kFloats) {
      F sum = load(piece.bias + c);
      for (int64_t t = 0; t < piece.taps; ++t)
        sum += load(piece.input + (r + t) * piece.width + c) *
               load(piece.weights + t * piece.width + c);
      store(piece.output + r * piece.width + c, sum);
    }
  }
}

struct Vectors {
  using F = codec::F;
  static constexpr int kFloats = codec::kFloats, kPanelRows = kRows;
  static F zero() { return codec::splat(0); }
  static F load(const float* from) { return codec::load(from); }
  static F splat(float value) { return codec::splat(value); }
  static void store(float* to, F a) { codec::store(to, a); }
  static F add(F a, F b) { return a + b; }
  static F fma(F a, F b, F c) { return a * b + c; }
};

// Seven sums of a block's seven inputs, the oldest first: the transposed inverse of the matrix of
// powers of 0, 1, -1, 2, -2, 1/2 and infinity, each row times what makes it whole.
void block_inputs(const BlockInputs& piece) {
  const int64_t step = piece.dilation * piece.width;
  float* points = piece.points;
  for (int64_t group = piece.first_group; group < piece.groups; ++group) {
    for (int64_t j = 0; j < piece.dilation; ++j, points += piece.width) {
      const int64_t row = group * 4 * piece.dilation + j;
      int64_t there = 7;  // inputs before the unit's end
      while (there > 0 && row + (there - 4) * piece.dilation >= piece.unit_rows) --there;
      const float* input = piece.rows + row * piece.width - 3 * step;
      for (int64_t c = 0; c < piece.width; c += kFloats) {
        F x[7] = {};
        for (int64_t i = 0; i < there; ++i) x[i] = load(input + i * step + c);
        float* to = points + c;
        const auto put = [&](F sum) {
          store(to, sum);
          to += piece.point_step;
        };
        put(4 * x[0] - 8 * x[1] - 5 * x[2] + 10 * x[3] + x[4] - 2 * x[5]);
        put(-4 * x[1] + 4 * x[2] + 9 * x[3] - x[4] - 2 * x[5]);
        put(-4 * x[1] + 12 * x[2] - 7 * x[3] - 3 * x[4] + 2 * x[5]);
        put(2 * x[1] - 3 * x[2] - 4 * x[3] + 3 * x[4] + 2 * x[5]);
        put(2 * x[1] - 5 * x[2] + 5 * x[4] - 2 * x[5]);
        put(4 * x[1] - 5 * x[3] + x[5]);
        put(-4 * x[1] + 8 * x[2] + 5 * x[3] - 10 * x[4] - x[5] + 2 * x[6]);
      }
    }
  }
}

// Output m is the sum of the products times their point's power m.
void block_outputs(const BlockOutputs& piece) {
  const float* points = piece.points;
  for (int64_t group = 0; group < piece.groups; ++group) {
    for (int64_t j = 0; j < piece.dilation; ++j, points += piece.width) {
      const int64_t row = group * 4 * piece.dilation + j;
      for (int64_t c = 0; c < piece.width; c += kFloats) {
        F p[7];
        for (int i = 0; i < 7; ++i) p[i] = load(points + i * piece.point_step + c);
        const F even = p[1] + p[2], odd = p[1] - p[2], even2 = p[3] + p[4], odd2 = p[3] - p[4];
        const F outputs[4] = {p[0] + even + even2 + p[5], odd + 2 * odd2 + 0.5F * p[5],
                              even + 4 * even2 + 0.25F * p[5],
                              odd + 8 * odd2 + 0.125F * p[5] + p[6]};
        for (int64_t m = 0; m < 4 && row + m * piece.dilation < piece.unit_rows; ++m) {
          float* to = piece.rows + (row + m * piece.dilation) * piece.width + c;
          const F base = piece.adds ? load(to) : F{};
          store(to, base + load(piece.bias + c) + outputs[m]);
        }
      }
    }
  }
}

constexpr Loops kLoops = {.convolve = kernels::PanelLoops<Vectors>::multiply,
                          .convolve_depthwise = convolve_depthwise,
                          .block_inputs = block_inputs,
                          .block_outputs = block_outputs,
                          .norm = norm,
                          .silu = silu,
                          .gelu = gelu,
                          .tanh = tanh,
                          .add = add,
                          .scale = scale};

}  // namespace
}  // namespace koi::codec
