// Which groups of phrases become clips for training.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "koi/align/align.h"

namespace koi::align {

struct ClipOptions {
  double shortest_s = 2;  // shorter sentences are joined with their neighbours
  double longest_s = 15;  // longer ones are cut at commas where the reader paused
};

struct Clip {
  std::optional<Stretch> time{};  // in the recording; nothing: the text was not read
  double confidence = 0;          // that it begins and ends with its text, times Alignment::fits
  std::string text;
};

// All phrases in their order, in clips and in texts that were not read (one for each run of them).
// Clips end at the ends of sentences, and keep up to 0.2 s of the pauses around them. Both lengths
// are aims: uncertain boundaries are avoided where that makes a clip longer, and where the reader
// does not pause nothing can be cut.
std::vector<Clip> choose_clips(const std::vector<Phrase>& phrases, const SpeechMap& map,
                               const Alignment& alignment, const ClipOptions& options);

}  // namespace koi::align
