// Plain C++: what every other set is compared with.
#include <cmath>

#include "koi/kernels/kernel_loops.h"
#include "koi/kernels/kernel_sets.h"

namespace koi::kernels {
namespace {

struct Portable {
  static constexpr int kFloats = 4, kShorts = 8;
  struct F {
    float at[kFloats];
  };
  struct I {
    int32_t at[kFloats];
  };
  struct S {
    int16_t at[kShorts];
  };

  static F zero() { return {}; }
  static F splat(float value) { return {{value, value, value, value}}; }
  static F load(const float* from) { return {{from[0], from[1], from[2], from[3]}}; }
  static F load_bf16(const uint16_t* from) {
    F result;
    for (int i = 0; i < kFloats; ++i) {
      const uint32_t bits = static_cast<uint32_t>(from[i]) << 16;
      __builtin_memcpy(&result.at[i], &bits, sizeof bits);
    }
    return result;
  }
  static void store(float* to, const F& a) {
    for (int i = 0; i < kFloats; ++i) to[i] = a.at[i];
  }
  static F add(F a, const F& b) {
    for (int i = 0; i < kFloats; ++i) a.at[i] += b.at[i];
    return a;
  }
  static F fma(const F& a, const F& b, F c) {
    for (int i = 0; i < kFloats; ++i) c.at[i] += a.at[i] * b.at[i];
    return c;
  }
  static F multiply(F a, const F& b) {
    for (int i = 0; i < kFloats; ++i) a.at[i] *= b.at[i];
    return a;
  }
  static F divide(F a, const F& b) {
    for (int i = 0; i < kFloats; ++i) a.at[i] /= b.at[i];
    return a;
  }
  static F most(F a, const F& b) {
    for (int i = 0; i < kFloats; ++i) a.at[i] = a.at[i] > b.at[i] ? a.at[i] : b.at[i];
    return a;
  }
  static F least(F a, const F& b) {
    for (int i = 0; i < kFloats; ++i) a.at[i] = a.at[i] < b.at[i] ? a.at[i] : b.at[i];
    return a;
  }
  static F round(F a) {
    for (float& value : a.at) value = std::nearbyint(value);
    return a;
  }
  static F power_of_two(F n) {
    for (float& value : n.at)
      value = std::isnan(value) ? value : std::ldexp(1.0F, static_cast<int>(value));
    return n;
  }
  static float sum(const F& a) { return (a.at[0] + a.at[1]) + (a.at[2] + a.at[3]); }

  static I zero_int() { return {}; }
  static F to_float(const I& a) {
    F result;
    for (int i = 0; i < kFloats; ++i) result.at[i] = static_cast<float>(a.at[i]);
    return result;
  }
  static I add_products(I sum, const S& a, const S& b) {
    for (int i = 0; i < kFloats; ++i)
      sum.at[i] += a.at[2 * i] * b.at[2 * i] + a.at[2 * i + 1] * b.at[2 * i + 1];
    return sum;
  }
  static S load_short(const int16_t* from) {
    S result;
    for (int i = 0; i < kShorts; ++i) result.at[i] = from[i];
    return result;
  }
  static S widen(const int8_t* from) {
    S result;
    for (int i = 0; i < kShorts; ++i) result.at[i] = from[i];
    return result;
  }
  static S load_words(const uint8_t* block, int piece) {
    S result;
    __builtin_memcpy(&result, block + piece * 2 * kShorts, sizeof result);
    return result;
  }
  template <int N>
  static S nibble(S words) {
    for (int16_t& word : words.at) word = static_cast<int16_t>((word >> (4 * N)) & 15);
    return words;
  }
  template <int N>
  static S load_columns(const int16_t* x, int piece) {
    return load_short(x + piece / 2 * 64 + 16 * N + piece % 2 * kShorts);
  }
};

}  // namespace

const Kernels& portable_kernels() {
  static constexpr Kernels kKernels = Loops<Portable>::kernels();
  return kKernels;
}

}  // namespace koi::kernels
