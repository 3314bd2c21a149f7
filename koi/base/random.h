// Random numbers that equal other programs' draw for draw: the Mersenne Twister as CPython's
// random.Random and torch's CPU generator use it. The exact position can be stored and restored.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace koi::base {

// What a run checkpoint keeps of a generator: the 624 words, and how many of them are used up.
struct RandomState {
  std::vector<uint32_t> words;
  uint32_t position = 0;
  bool operator==(const RandomState&) const = default;
};

// MT19937. Source: Matsumoto and Nishimura 1998, with the seedings of 2002.
class MersenneTwister {
 public:
  static MersenneTwister from_word(uint32_t seed);                   // init_genrand
  static MersenneTwister from_key(std::span<const uint32_t> words);  // init_by_array, 1 or more

  uint32_t next();

  RandomState state() const;
  // Throws Error(corrupt) unless there are 624 words and a position of 624 at most.
  void restore(const RandomState& state);

 private:
  static constexpr size_t kWords = 624;
  void refill();

  std::array<uint32_t, kWords> words_{};
  size_t position_ = kWords;
};

// random.Random of CPython 3.2 to 3.13.
class PythonRandom {
 public:
  explicit PythonRandom(
      uint64_t seed);  // Random(seed); a negative seed counts as its absolute value
  // A seed of any length, lowest word first, the highest one not 0 (a single word may be).
  explicit PythonRandom(std::span<const uint32_t> seed_words);

  double random();                 // 0 <= x < 1, 53 bits
  uint64_t bits(int count);        // getrandbits, 1 to 64
  uint64_t below(uint64_t limit);  // randrange(limit), limit >= 1: draws until one fits
  uint64_t index(
      uint64_t count);  // choices(range(count)), count >= 1: one random(), unlike below()
  size_t weighted_index(std::span<const uint64_t> cumulative);  // choices(..., weights), sum > 0

  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

  RandomState state() const { return twister_.state(); }
  void restore(const RandomState& state) { twister_.restore(state); }

 private:
  MersenneTwister twister_;
};

// torch's CPU generator after manual_seed(seed); only the low 32 bits of the seed count there.
class TorchRandom {
 public:
  explicit TorchRandom(uint64_t seed)
      : twister_(MersenneTwister::from_word(static_cast<uint32_t>(seed))) {}

  float uniform(float from, float to);  // Tensor.uniform_ of one float32
  int64_t integer();                    // Tensor.random_ of one int64, >= 0

  RandomState state() const { return twister_.state(); }
  void restore(const RandomState& state) { twister_.restore(state); }

 private:
  MersenneTwister twister_;
};

}  // namespace koi::base
