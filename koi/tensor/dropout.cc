#include "koi/tensor/dropout.h"

#include "koi/kernels/kernels.h"
#include "koi/tensor/parallel.h"
#include "koi/tensor/random.h"

namespace koi::tensor {
namespace {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): 64 random bits of any number.
uint64_t scramble(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

kernels::Draws draws_of(double p, uint64_t seed) {
  const uint64_t bits = scramble(seed);
  return {.low = static_cast<uint32_t>(bits),
          .high = static_cast<uint32_t>(bits >> 32),
          .least = static_cast<uint32_t>(p * 0x1p32),
          .scale = static_cast<float>(1 / (1 - p))};
}

at::Tensor dropped_on_cpu(const at::Tensor& x, double p, uint64_t seed) {
  constexpr int64_t kGrain = 1 << 14;
  const at::Tensor in = x.to(at::kFloat).contiguous();
  at::Tensor out = at::empty_like(in);
  const float* from = in.const_data_ptr<float>();
  auto* to = out.mutable_data_ptr<float>();
  const kernels::Draws draws = draws_of(p, seed);
  const kernels::Kernels& kernels = kernels::best_kernels();
  at::parallel_for(0, in.numel(), kGrain, [&](int64_t first, int64_t last) {
    kernels.drop(from + first, static_cast<uint32_t>(first), last - first, draws, to + first);
  });
  return out.to(x.scalar_type());
}

}  // namespace

uint64_t draw_seed(at::Generator generator) {
  if (generator.device().is_cpu()) {
    const at::NoGradGuard no_grad;
    return static_cast<uint64_t>(at::empty({}, at::kLong).random_(generator).item<int64_t>());
  }
  constexpr uint64_t kOneDraw = 4;  // the generators of GPUs count in fours
  const uint64_t offset = generator.get_offset();
  generator.set_offset(offset + kOneDraw);
  return scramble(generator.current_seed()) + offset;
}

at::Tensor dropped(const at::Tensor& x, double p, uint64_t seed) {
  const at::NoGradGuard no_grad;
  if (p == 0) return x;
  if (x.is_cpu()) return dropped_on_cpu(x, p, seed);
  const at::Tensor kept = at::empty(x.sizes(), x.options().dtype(at::kBool))
                              .bernoulli_(1 - p, make_generator(seed, x.device()));
  return at::native_dropout_backward(x, kept, 1 / (1 - p));  // x * kept / (1 - p) in one go
}

}  // namespace koi::tensor
