#if defined(__aarch64__)
#include <arm_neon.h>

#include "koi/kernels/kernel_loops.h"
#include "koi/kernels/kernel_sets.h"

namespace koi::kernels {
namespace {

struct Neon {
  static constexpr int kFloats = 4, kShorts = 8, kPanelRows = 6;
  using F = float32x4_t;
  using I = int32x4_t;
  using S = int16x8_t;

  static F zero() { return vdupq_n_f32(0); }
  static F splat(float value) { return vdupq_n_f32(value); }
  static F load(const float* from) { return vld1q_f32(from); }
  static F load_bf16(const uint16_t* from) {
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(from), 16));
  }
  static void store(float* to, F a) { vst1q_f32(to, a); }
  static F add(F a, F b) { return vaddq_f32(a, b); }
  static F fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }
  static F multiply(F a, F b) { return vmulq_f32(a, b); }
  static F divide(F a, F b) { return vdivq_f32(a, b); }
  static F most(F a, F b) { return vmaxq_f32(a, b); }
  static F least(F a, F b) { return vminq_f32(a, b); }
  static F round(F a) { return vrndnq_f32(a); }
  static F power_of_two(F n) {
    const I exponent = vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127));
    return vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23));
  }
  static float sum(F a) { return vaddvq_f32(a); }

  static I zero_int() { return vdupq_n_s32(0); }
  static F to_float(I a) { return vcvtq_f32_s32(a); }
  static F add_product(F sum, F a, F b) { return fma(a, b, sum); }
  static I add_products(I sum, S a, S b) {
    return vmlal_high_s16(vmlal_s16(sum, vget_low_s16(a), vget_low_s16(b)), a, b);
  }
  static S load_short(const int16_t* from) { return vld1q_s16(from); }
  static S widen(const int8_t* from) { return vmovl_s8(vld1_s8(from)); }
  static S load_words(const uint8_t* block, int piece) {
    return vreinterpretq_s16_u8(vld1q_u8(block + piece * 2 * kShorts));
  }
  template <int N>
  static S nibble(S words) {
    const uint16x8_t all = vreinterpretq_u16_s16(words);
    if constexpr (N == 0)
      return vreinterpretq_s16_u16(vandq_u16(all, vdupq_n_u16(15)));
    else
      return vreinterpretq_s16_u16(vandq_u16(vshrq_n_u16(all, 4 * N), vdupq_n_u16(15)));
  }
};

}  // namespace

const Kernels& neon_kernels() {
  static constexpr Kernels kKernels = Loops<Neon>::kernels();
  return kKernels;
}

}  // namespace koi::kernels
#endif
