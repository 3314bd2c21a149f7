// A transcript laid along a recording by the pauses and the rate of speech, without a recogniser.
#pragma once

#include <functional>
#include <vector>

#include "koi/align/lattice.h"

namespace koi::align {

// Phrases may be missing at the ends and between the groups, and stretches of speech too: text that
// was not read, speech that was not written. Empty where nothing fits. The reader's speed and
// pauses are found out in some rounds; `on_round` is told the share that is done. Throws as
// Lattice.
std::vector<Group> align(const std::vector<Phrase>& phrases, const SpeechMap& map,
                         const std::function<void(double)>& on_round = {});

}  // namespace koi::align
