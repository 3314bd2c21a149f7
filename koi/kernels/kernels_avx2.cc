// Compiled with -mavx2 -mfma.
#if defined(__x86_64__)
#include <immintrin.h>

#include "koi/kernels/kernel_loops.h"
#include "koi/kernels/kernel_sets.h"

namespace koi::kernels {
namespace {

struct Avx2 {
  static constexpr int kFloats = 8, kShorts = 16, kPanelRows = 6;
  using F = __m256;
  using I = __m256i;
  using S = __m256i;

  static __m256i load_all(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
  }
  static __m128i load_half(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
  }

  static F zero() { return _mm256_setzero_ps(); }
  static F splat(float value) { return _mm256_set1_ps(value); }
  static F load(const float* from) { return _mm256_loadu_ps(from); }
  static F load_bf16(const uint16_t* from) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_half(from)), 16));
  }
  static void store(float* to, F a) { _mm256_storeu_ps(to, a); }
  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F multiply(F a, F b) { return _mm256_mul_ps(a, b); }
  static F divide(F a, F b) { return _mm256_div_ps(a, b); }
  static F most(F a, F b) { return _mm256_max_ps(a, b); }
  static F least(F a, F b) { return _mm256_min_ps(a, b); }
  static F round(F a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static F power_of_two(F n) {
    const I exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
  }
  static float sum(F a) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
  }

  static I zero_int() { return _mm256_setzero_si256(); }
  static F to_float(I a) { return _mm256_cvtepi32_ps(a); }
  // Written by hand, here and below, because GCC 12 would multiply for all sums first, run out of
  // registers and keep a sum in memory, where each step waits for the one before.
  static F add_product(F sum, F a, F b) {
    asm("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
    return sum;
  }
  static I add_products(I sum, S a, S b) {
    asm("vpaddd %1, %0, %0" : "+x"(sum) : "x"(_mm256_madd_epi16(a, b)));
    return sum;
  }
  static S load_short(const int16_t* from) { return load_all(from); }
  static S widen(const int8_t* from) { return _mm256_cvtepi8_epi16(load_half(from)); }
  static S load_words(const uint8_t* block, int piece) {
    return load_all(block + piece * 2 * kShorts);
  }
  template <int N>
  static S nibble(S words) {
    const S mask = _mm256_set1_epi16(15);
    if constexpr (N == 0) return _mm256_and_si256(words, mask);
    if constexpr (N == 3) return _mm256_srli_epi16(words, 12);
    return _mm256_and_si256(_mm256_srli_epi16(words, 4 * N), mask);
  }
};

}  // namespace

const Kernels& avx2_kernels() {
  static constexpr Kernels kKernels = Loops<Avx2>::kernels();
  return kKernels;
}

}  // namespace koi::kernels
#endif
