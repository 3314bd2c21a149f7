// The loops over rows of floats that inference and training share. Included as kernel_loops.h is.
#pragma once

#include "koi/kernels/kernels.h"

namespace koi::kernels {

template <typename Simd>
class RowLoops {
  using F = typename Simd::F;
  static constexpr int64_t kFloats = Simd::kFloats;

 public:
  static float dot(const float* a, const float* b, int64_t count) {
    F sums[4] = {Simd::zero(), Simd::zero(), Simd::zero(), Simd::zero()};
    int64_t i = 0;
    for (; i + 4 * kFloats <= count; i += 4 * kFloats)
      for (int64_t j = 0; j < 4; ++j)
        sums[j] =
            Simd::fma(Simd::load(a + i + j * kFloats), Simd::load(b + i + j * kFloats), sums[j]);
    for (; i + kFloats <= count; i += kFloats)
      sums[0] = Simd::fma(Simd::load(a + i), Simd::load(b + i), sums[0]);
    float sum = Simd::sum(Simd::add(Simd::add(sums[0], sums[1]), Simd::add(sums[2], sums[3])));
    for (; i < count; ++i) sum += a[i] * b[i];
    return sum;
  }

  // e to the x, within 2 units in the last place, for -87 <= x <= 88; smaller x count as -87.
  static F exp(F x) {
    x = Simd::most(Simd::splat(-87), x);  // in this order NaN stays NaN
    const F n = Simd::round(Simd::multiply(x, Simd::splat(1.44269504F)));
    F rest = Simd::fma(n, Simd::splat(-0.693359375F), x);  // ln 2 in two parts
    rest = Simd::fma(n, Simd::splat(2.12194440e-4F), rest);
    constexpr float kTaylor[] = {1.0F / 720, 1.0F / 120, 1.0F / 24, 1.0F / 6, 0.5F, 1, 1};
    F sum = Simd::splat(1.0F / 5040);
    for (const float coefficient : kTaylor) sum = Simd::fma(sum, rest, Simd::splat(coefficient));
    return Simd::multiply(sum, Simd::power_of_two(n));
  }

  // The last `count` of a vector, the others are 0.
  template <typename Work>
  static void by_vectors(int64_t count, const Work& work) {
    int64_t i = 0;
    for (; i + kFloats <= count; i += kFloats) work(i, kFloats);
    if (i < count) work(i, count - i);
  }
  static F load_some(const float* from, int64_t count) {
    if (count == kFloats) return Simd::load(from);
    float values[kFloats] = {};
    for (int64_t i = 0; i < count; ++i) values[i] = from[i];
    return Simd::load(values);
  }
  static void store_some(float* to, F a, int64_t count) {
    if (count == kFloats) return Simd::store(to, a);
    float values[kFloats];
    Simd::store(values, a);
    for (int64_t i = 0; i < count; ++i) to[i] = values[i];
  }

  // 1 + e^-x, finite where e^-x would be infinite.
  static F one_and_exp(F x) {
    const F limited = Simd::most(Simd::multiply(x, Simd::splat(-1)), Simd::splat(-87));
    return Simd::add(Simd::splat(1), exp(Simd::least(limited, Simd::splat(88))));
  }

  static void gate(const float* a, const float* b, int64_t count, float* y) {
    by_vectors(count, [&](int64_t i, int64_t some) {
      const F x = load_some(a + i, some), silu = Simd::divide(x, one_and_exp(x));
      store_some(y + i, Simd::multiply(silu, load_some(b + i, some)), some);
    });
  }

  static void gate_backward(const GateGradient& gate, int64_t count) {
    by_vectors(count, [&](int64_t i, int64_t some) {
      const F g = load_some(gate.g + i, some), a = load_some(gate.a + i, some);
      const F b = load_some(gate.b + i, some), s = Simd::divide(Simd::splat(1), one_and_exp(a));
      // silu' = s (1 + a (1 - s))
      const F rest = Simd::fma(Simd::multiply(s, Simd::splat(-1)), a, a);
      const F slope = Simd::fma(s, rest, s);
      store_some(gate.ga + i, Simd::multiply(Simd::multiply(g, b), slope), some);
      store_some(gate.gb + i, Simd::multiply(g, Simd::multiply(a, s)), some);
    });
  }

  static float norm(const NormRow& row, float* y) {
    const float mean = dot(row.x, row.x, row.count) / static_cast<float>(row.count);
    const float inverse = 1 / __builtin_sqrtf(mean + row.eps);
    by_vectors(row.count, [&](int64_t i, int64_t some) {
      const F normed = Simd::multiply(load_some(row.x + i, some), Simd::splat(inverse));
      store_some(y + i, Simd::multiply(normed, load_some(row.weight + i, some)), some);
    });
    return inverse;
  }

  static void norm_backward(const NormRow& row, const float* g, float inverse, float* gx) {
    F sum = Simd::zero();
    by_vectors(row.count, [&](int64_t i, int64_t some) {
      const F gw = Simd::multiply(load_some(g + i, some), load_some(row.weight + i, some));
      sum = Simd::fma(gw, load_some(row.x + i, some), sum);
    });
    const float along = Simd::sum(sum) * inverse * inverse / static_cast<float>(row.count);
    by_vectors(row.count, [&](int64_t i, int64_t some) {
      const F gw = Simd::multiply(load_some(g + i, some), load_some(row.weight + i, some));
      const F across = Simd::fma(load_some(row.x + i, some), Simd::splat(-along), gw);
      store_some(gx + i, Simd::multiply(across, Simd::splat(inverse)), some);
    });
  }

  // Whole numbers and one product for each element, so that all instruction sets give the same.
  static void drop(const float* x, uint32_t place, int64_t count, const Draws& draws, float* y) {
    constexpr int64_t kBlock = 32;
    int64_t i = 0;
    for (; i + kBlock <= count; i += kBlock) {
      uint32_t masks[kBlock];
      float values[kBlock];
      for (uint32_t j = 0; j < kBlock; ++j)
        masks[j] = mask(draws, place + static_cast<uint32_t>(i) + j);
      for (int64_t j = 0; j < kBlock; ++j) values[j] = kept(x[i + j] * draws.scale, masks[j]);
      __builtin_memcpy(y + i, values, sizeof values);
    }
    for (; i < count; ++i)
      y[i] = kept(x[i] * draws.scale, mask(draws, place + static_cast<uint32_t>(i)));
  }

 private:
  // A hash of the place (Wang, Wellons: "lowbias32") and the seed: all bits for an element that is
  // kept, none for another.
  static uint32_t mask(const Draws& draws, uint32_t place) {
    uint32_t value = place * 0x9E3779B9U + draws.low;
    value = (value ^ (value >> 16)) * 0x7FEB352DU ^ draws.high;
    value = (value ^ (value >> 15)) * 0x846CA68BU;
    value ^= value >> 16;
    return value >= draws.least ? ~uint32_t{0} : 0;
  }
  static float kept(float value, uint32_t mask) {
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    bits &= mask;
    __builtin_memcpy(&value, &bits, sizeof bits);
    return value;
  }
};

}  // namespace koi::kernels
