// A transcript laid along a recording by the pauses and the rate of speech, without a recogniser.
#pragma once

#include <functional>
#include <vector>

#include "koi/align/lattice.h"

namespace koi::align {

struct Alignment {
  // Phrases may be missing at the ends and between the groups, and stretches of speech too: text
  // that was not read, speech that was not written. Empty where nothing fits.
  std::vector<Group> groups{};
  // The probability that the transcript is of this recording at all, by how evenly it would be
  // read: with right ones of 20 prompts and more the times vary by 8 to 14 %, with wrong ones by 16
  // to 47 % (those under 20 % have improbable groups besides). One sentence tells nothing.
  double fits = 0;
};

// The reader's speed and pauses are found out in some rounds; `on_round` is told the share that is
// done. Throws as Lattice.
Alignment align(const std::vector<Phrase>& phrases, const SpeechMap& map,
                const std::function<void(double)>& on_round = {});

}  // namespace koi::align
