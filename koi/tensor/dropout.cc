#include "koi/tensor/dropout.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <bit>

#include "koi/tensor/random.h"

namespace koi::tensor {
namespace {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): 64 random bits of any number.
uint64_t scramble(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

// What is drawn for each element: a hash of its place (Wang, Wellons: "lowbias32") and the seed.
struct Draws {
  Draws(double p, uint64_t seed)
      : low(static_cast<uint32_t>(scramble(seed))),
        high(static_cast<uint32_t>(scramble(seed) >> 32)),
        least(static_cast<uint32_t>(p * 0x1p32)),
        scale(static_cast<float>(1 / (1 - p))) {}

  // All bits for an element that is kept, none for another.
  uint32_t mask(uint32_t place) const {
    uint32_t value = place * 0x9E3779B9U + low;
    value = (value ^ (value >> 16)) * 0x7FEB352DU ^ high;
    value = (value ^ (value >> 15)) * 0x846CA68BU;
    value ^= value >> 16;
    return value >= least ? ~uint32_t{0} : 0;
  }

  uint32_t low, high, least;
  float scale;
};

float kept(float value, uint32_t mask) {
  return std::bit_cast<float>(std::bit_cast<uint32_t>(value) & mask);
}

constexpr int64_t kBlock = 16;

// One block of `from`. Loops of known length over arrays of their own become vector instructions.
void drop_block(const float* from, uint32_t place, const Draws& draws, float* to) {
  std::array<uint32_t, kBlock> masks{};
  std::array<float, kBlock> values{};
  std::copy_n(from, kBlock, values.begin());
  for (uint32_t i = 0; i < kBlock; ++i) masks[i] = draws.mask(place + i);
  for (uint32_t i = 0; i < kBlock; ++i) values[i] = kept(values[i] * draws.scale, masks[i]);
  std::copy_n(values.begin(), kBlock, to);
}

at::Tensor dropped_on_cpu(const at::Tensor& x, double p, uint64_t seed) {
  constexpr int64_t kGrain = 1 << 10;
  const at::Tensor in = x.to(at::kFloat).contiguous();
  at::Tensor out = at::empty_like(in);
  const float* from = in.const_data_ptr<float>();
  auto* to = out.mutable_data_ptr<float>();
  const Draws draws(p, seed);
  const int64_t count = in.numel(), blocks = count / kBlock;
  at::parallel_for(0, blocks, kGrain, [=](int64_t first, int64_t last) {
    for (int64_t place = first * kBlock; place < last * kBlock; place += kBlock)
      drop_block(from + place, static_cast<uint32_t>(place), draws, to + place);
  });
  for (int64_t i = blocks * kBlock; i < count; ++i)
    to[i] = kept(from[i] * draws.scale, draws.mask(static_cast<uint32_t>(i)));
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
  const at::Tensor mask =
      at::empty_like(x).bernoulli_(1 - p, make_generator(seed, x.device())).div_(1 - p);
  return mask.mul_(x);
}

}  // namespace koi::tensor
