// How somebody reads: how fast, and where with what pauses. Internal to koi/align.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "koi/align/phrases.h"

namespace koi::align {

// Log-normal lengths.
struct Lengths {
  double log_median;  // of seconds
  double spread;      // standard deviation of the logarithm

  // Per second, of a length; a share of 2 % may be anything from 0 to 3 s.
  double density(double seconds) const;
};

// The defaults are what most do; ReaderFit makes them one reader's.
struct Reader {
  double seconds_per_unit = 0.1;  // see spoken_units()
  double spread = 0.15;           // of the logarithm of the time that phrases take
  // Of each ending: the pauses behind such phrases, and the share that has one.
  std::array<Lengths, kEndings> pauses{{{-1.4, 0.5}, {-0.7, 0.5}, {-0.5, 0.5}}};
  std::array<double, kEndings> pause_share{0.6, 0.93, 0.97};
  Lengths inner_pauses{-1.9, 0.4};  // within phrases
  double inner_pauses_per_s = 0.4;  // of speech
  // How probable it is that text is left out, or something else said, behind a phrase.
  double strays = 1e-6;
};

// Phrases that are read without a pause between them.
struct Breath {
  double expected_s = 0;  // of speech
  double together = 1;    // probability that there is no pause

  double shortest_s() const { return expected_s / kFactor; }
  double longest_s() const { return expected_s * kFactor; }
  // Per second, of the time that they take: Student's, of the logarithm, for some are read quite
  // differently from what is written. Nothing is expected beyond shortest_s() and longest_s().
  double density(double seconds, double spread) const;

  static constexpr double kFactor = 3.5;
};
// Its density from a table, ten times as fast; off by less than 1 % where the spread is 0.08 or
// more.
class BreathTable {
 public:
  BreathTable(const Breath& breath, double spread);
  // Of shortest_s() to longest_s().
  double density(double seconds) const {
    const double place = (seconds - shortest_s_) * per_s_;
    const auto step = static_cast<size_t>(place);
    const double share = place - static_cast<double>(step);
    return values_[step] + share * (values_[step + 1] - values_[step]);
  }

 private:
  static constexpr size_t kSteps = 256;
  double shortest_s_, per_s_;
  std::array<double, kSteps + 2> values_;
};

Breath breath_of(const Reader& reader, std::span<const Phrase> phrases);

// Collects what a reader does, each observation with its probability.
class ReaderFit {
 public:
  explicit ReaderFit(const Reader& before) : before_(before) {}

  void add_breath(double probability, const Breath& breath, double seconds);
  void add_pause(double probability, Ending behind, double seconds);
  void add_no_pause(double probability, Ending behind);
  void add_inner_pause(double probability, double seconds);

  // The reader, drawn to what most do by the weight of some observations.
  Reader fitted(double spoken_s) const;

 private:
  // Of logarithms, with their weights.
  struct Sums {
    double weight = 0, sum = 0, squares = 0;
    void add(double more, double value);
    Lengths fitted(const Lengths& prior) const;
  };

  const Reader& before_;
  Sums times_, inner_pauses_;
  std::array<Sums, kEndings> pauses_;
  std::array<double, kEndings> no_pauses_{};
};

}  // namespace koi::align
