// Compiled with -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni.
#if defined(__x86_64__)
#include <immintrin.h>

#include "koi/kernels/kernel_loops.h"
#include "koi/kernels/kernel_sets.h"

namespace koi::kernels {
namespace {

struct Avx512 {
  static constexpr int kFloats = 16, kShorts = 32, kPanelRows = 8;
  using F = __m512;
  using I = __m512i;
  using S = __m512i;

  static __m256i load_half(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
  }

  static F zero() { return _mm512_setzero_ps(); }
  static F splat(float value) { return _mm512_set1_ps(value); }
  static F load(const float* from) { return _mm512_loadu_ps(from); }
  static F load_bf16(const uint16_t* from) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_half(from)), 16));
  }
  static void store(float* to, F a) { _mm512_storeu_ps(to, a); }
  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F multiply(F a, F b) { return _mm512_mul_ps(a, b); }
  static F divide(F a, F b) { return _mm512_div_ps(a, b); }
  static F most(F a, F b) { return _mm512_max_ps(a, b); }
  static F least(F a, F b) { return _mm512_min_ps(a, b); }
  static F round(F a) {
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static F power_of_two(F n) {
    const I exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
  }
  static float sum(F a) { return _mm512_reduce_add_ps(a); }

  static I zero_int() { return _mm512_setzero_si512(); }
  static F to_float(I a) { return _mm512_cvtepi32_ps(a); }
  static F add_product(F sum, F a, F b) { return fma(a, b, sum); }
  static I add_products(I sum, S a, S b) { return _mm512_dpwssd_epi32(sum, a, b); }
  static S load_short(const int16_t* from) { return _mm512_loadu_si512(from); }
  static S widen(const int8_t* from) { return _mm512_cvtepi8_epi16(load_half(from)); }
  static S load_words(const uint8_t* block, int piece) {
    return _mm512_loadu_si512(block + piece * 2 * kShorts);
  }
  template <int N>
  static S nibble(S words) {
    const __m512i mask = _mm512_set1_epi16(15);
    if constexpr (N == 0) return _mm512_and_si512(words, mask);
    if constexpr (N == 3) return _mm512_srli_epi16(words, 12);
    return _mm512_and_si512(_mm512_srli_epi16(words, 4 * N), mask);
  }
};

}  // namespace

const Kernels& avx512_kernels() {
  static constexpr Kernels kKernels = Loops<Avx512>::kernels();
  return kKernels;
}

}  // namespace koi::kernels
#endif
