#include "koi/base/numpy_random.h"

#include <array>
#include <bit>
#include <cstddef>

namespace koi::base {
namespace {

uint32_t fold(uint32_t value) { return value ^ (value >> 16); }

// Hashes words one after the other, each with a constant of its own.
class WordHash {
 public:
  WordHash(uint32_t constant, uint32_t factor) : constant_(constant), factor_(factor) {}
  uint32_t operator()(uint32_t word) {
    word ^= constant_;
    constant_ *= factor_;
    return fold(word * constant_);
  }

 private:
  uint32_t constant_;
  uint32_t factor_;
};

// SeedSequence(seed).generate_state(8): the low words first.
std::array<uint32_t, 8> seed_words(uint64_t seed) {
  std::array<uint32_t, 4> pool = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  WordHash in(0x43b0d7e5U, 0x931e8875U);
  for (uint32_t& word : pool) word = in(word);
  for (size_t from = 0; from < pool.size(); ++from) {
    for (size_t to = 0; to < pool.size(); ++to) {
      if (from != to) pool[to] = fold(0xca01f9ddU * pool[to] - 0x4973f715U * in(pool[from]));
    }
  }
  std::array<uint32_t, 8> words{};
  WordHash out(0x8b51f9ddU, 0x58f38dedU);
  for (size_t i = 0; i < words.size(); ++i) words[i] = out(pool[i % pool.size()]);
  return words;
}

}  // namespace

// state = state * kFactor + increment_
constexpr uint64_t kFactorHigh = 2549297995355413924U;
constexpr uint64_t kFactorLow = 4865540595714422341U;

NumpyRandom::NumpyRandom(uint64_t seed) {
  const std::array<uint32_t, 8> words = seed_words(seed);
  // 64-bit numbers have their low word first, of two of them the high one comes first.
  const auto wide = [&](size_t first) {
    Word value = words[first + 1];
    for (const size_t i : {first, first + 3, first + 2}) value = value << 32 | words[i];
    return value;
  };
  increment_ = wide(4) << 1 | 1;
  state_ = increment_ + wide(0);
  next();
}

uint64_t NumpyRandom::next() {
  constexpr Word kFactor = Word{kFactorHigh} << 64 | kFactorLow;
  state_ = state_ * kFactor + increment_;
  const auto folded = static_cast<uint64_t>(state_ >> 64) ^ static_cast<uint64_t>(state_);
  return std::rotr(folded, static_cast<int>(state_ >> 122));
}

double NumpyRandom::random() { return static_cast<double>(next() >> 11) * 0x1p-53; }

void NumpyRandom::skip(uint64_t draws) {
  // One step is x * factor + summand; squaring it makes the steps of 2, 4, 8 ... draws.
  Word factor = Word{kFactorHigh} << 64 | kFactorLow;
  Word summand = increment_;
  for (; draws > 0; draws >>= 1) {
    if (draws & 1) state_ = state_ * factor + summand;
    summand *= factor + 1;
    factor *= factor;
  }
}

}  // namespace koi::base
