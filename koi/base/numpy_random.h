// numpy.random.default_rng(seed), draw for draw: PCG64 seeded through a SeedSequence.
#pragma once

#include <cstdint>

namespace koi::base {

// Source: O'Neill 2014 (PCG XSL-RR 128/64) and her seed_seq of 2015, as numpy 1.17 and later join
// them.
class NumpyRandom {
 public:
  explicit NumpyRandom(uint64_t seed);  // default_rng(seed)

  double random();            // 0 <= x < 1, 53 bits
  void skip(uint64_t draws);  // as after so many random(), in 64 steps at most

 private:
  __extension__ typedef unsigned __int128 Word;
  uint64_t next();

  Word state_ = 0;
  Word increment_ = 1;
};

}  // namespace koi::base
