// Plain C++: what every other set is compared with.
#include <cmath>

#include "koi/kernels/kernel_loops.h"
#include "koi/kernels/kernel_sets.h"

namespace koi::kernels {
namespace {

struct Portable {
  static constexpr int kFloats = 4, kShorts = 8, kPanelRows = 2;
  // GCC's vectors, of which the compiler makes what every processor of the kind has.
  using F = float __attribute__((vector_size(4 * kFloats)));
  struct I {
    int32_t at[kFloats];
  };
  struct S {
    int16_t at[kShorts];
  };

  static F zero() { return splat(0); }
  static F splat(float value) { return F{value, value, value, value}; }
  static F load(const float* from) {
    F result;
    __builtin_memcpy(&result, from, sizeof result);
    return result;
  }
  static F load_bf16(const uint16_t* from) {
    uint32_t bits[kFloats];
    for (int i = 0; i < kFloats; ++i) bits[i] = static_cast<uint32_t>(from[i]) << 16;
    F result;
    __builtin_memcpy(&result, bits, sizeof result);
    return result;
  }
  static void store(float* to, F a) { __builtin_memcpy(to, &a, sizeof a); }
  static F add(F a, F b) { return a + b; }
  static F fma(F a, F b, F c) { return c + a * b; }
  static F multiply(F a, F b) { return a * b; }
  static F divide(F a, F b) { return a / b; }
  static F most(F a, F b) { return a > b ? a : b; }
  static F least(F a, F b) { return a < b ? a : b; }
  static F round(F a) {
    for (int i = 0; i < kFloats; ++i) a[i] = std::nearbyint(a[i]);
    return a;
  }
  static F power_of_two(F n) {
    for (int i = 0; i < kFloats; ++i)
      n[i] = std::isnan(n[i]) ? n[i] : std::ldexp(1.0F, static_cast<int>(n[i]));
    return n;
  }
  static float sum(F a) { return (a[0] + a[1]) + (a[2] + a[3]); }

  static I zero_int() { return {}; }
  static F to_float(const I& a) {
    F result;
    for (int i = 0; i < kFloats; ++i) result[i] = static_cast<float>(a.at[i]);
    return result;
  }
  static F add_product(F sum, F a, F b) { return fma(a, b, sum); }
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
};

}  // namespace

const Kernels& portable_kernels() {
  static constexpr Kernels kKernels = Loops<Portable>::kernels();
  return kKernels;
}

}  // namespace koi::kernels
