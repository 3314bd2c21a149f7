#include "koi/base/random.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "koi/base/error.h"

namespace koi::base {

MersenneTwister MersenneTwister::from_word(uint32_t seed) {
  MersenneTwister twister;
  auto& words = twister.words_;
  words[0] = seed;
  for (uint32_t i = 1; i < kWords; ++i) {
    words[i] = 1812433253U * (words[i - 1] ^ (words[i - 1] >> 30)) + i;
  }
  return twister;
}

MersenneTwister MersenneTwister::from_key(std::span<const uint32_t> key) {
  MersenneTwister twister = from_word(19650218U);
  auto& words = twister.words_;
  size_t i = 1;
  // Both loops run through words 1 .. 623 in a circle; word 0 takes over the last one.
  const auto step = [&] {
    if (++i == kWords) {
      words[0] = words[kWords - 1];
      i = 1;
    }
  };
  const auto mixed = [&] { return words[i - 1] ^ (words[i - 1] >> 30); };
  size_t j = 0;
  for (size_t k = std::max(kWords, key.size()); k > 0; --k) {
    words[i] = (words[i] ^ (mixed() * 1664525U)) + key[j] + static_cast<uint32_t>(j);
    step();
    if (++j == key.size()) j = 0;
  }
  for (size_t k = kWords - 1; k > 0; --k) {
    words[i] = (words[i] ^ (mixed() * 1566083941U)) - static_cast<uint32_t>(i);
    step();
  }
  words[0] = 0x80000000U;
  return twister;
}

void MersenneTwister::refill() {
  constexpr size_t kShift = 397;
  for (size_t i = 0; i < kWords; ++i) {
    const uint32_t y = (words_[i] & 0x80000000U) | (words_[(i + 1) % kWords] & 0x7fffffffU);
    words_[i] = words_[(i + kShift) % kWords] ^ (y >> 1) ^ ((y & 1U) ? 0x9908b0dfU : 0U);
  }
  position_ = 0;
}

uint32_t MersenneTwister::next() {
  if (position_ == kWords) refill();
  uint32_t y = words_[position_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680U;
  y ^= (y << 15) & 0xefc60000U;
  return y ^ (y >> 18);
}

RandomState MersenneTwister::state() const {
  return {{words_.begin(), words_.end()}, static_cast<uint32_t>(position_)};
}

void MersenneTwister::restore(const RandomState& state) {
  if (state.words.size() != kWords || state.position > kWords) {
    throw Error(ErrorKind::corrupt, "random state",
                std::to_string(state.words.size()) + " words at position " +
                    std::to_string(state.position) + ", expected 624 words, position 0 to 624");
  }
  std::copy(state.words.begin(), state.words.end(), words_.begin());
  position_ = state.position;
}

PythonRandom::PythonRandom(uint64_t seed) : twister_(MersenneTwister::from_word(0)) {
  const uint32_t words[] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  twister_ = MersenneTwister::from_key({words, words[1] == 0 ? size_t{1} : size_t{2}});
}

PythonRandom::PythonRandom(std::span<const uint32_t> seed_words)
    : twister_(MersenneTwister::from_key(seed_words)) {}

double PythonRandom::random() {
  const uint32_t high = twister_.next() >> 5;
  const uint32_t low = twister_.next() >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

uint64_t PythonRandom::bits(int count) {
  if (count <= 32) return twister_.next() >> (32 - count);
  const uint64_t low = twister_.next();
  return low | uint64_t{twister_.next() >> (64 - count)} << 32;
}

uint64_t PythonRandom::below(uint64_t limit) {
  const int count = static_cast<int>(std::bit_width(limit));
  uint64_t drawn = bits(count);
  while (drawn >= limit) drawn = bits(count);
  return drawn;
}

uint64_t PythonRandom::index(uint64_t count) {
  return static_cast<uint64_t>(random() * static_cast<double>(count));
}

size_t PythonRandom::weighted_index(std::span<const uint64_t> cumulative) {
  const double point = random() * static_cast<double>(cumulative.back());
  const auto last = cumulative.end() - 1;  // rounding may put the point at the sum itself
  const auto found = std::upper_bound(cumulative.begin(), last, point, [](double x, uint64_t sum) {
    return x < static_cast<double>(sum);
  });
  return static_cast<size_t>(found - cumulative.begin());
}

float TorchRandom::uniform(float from, float to) {
  const float unit = static_cast<float>(twister_.next() & 0xffffffU) * 0x1p-24F;
  return std::fma(unit, to - from, from);  // torch's kernel rounds once
}

int64_t TorchRandom::integer() {
  const uint64_t high = twister_.next();
  const uint64_t bits = high << 32 | twister_.next();
  return static_cast<int64_t>(bits & 0x7fffffffffffffffU);
}

}  // namespace koi::base
