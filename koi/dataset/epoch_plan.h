// In which samples and rows an epoch visits every sentence once. Pure arithmetic on lengths: the
// same input gives the same plan on every rank.
#pragma once

#include <cstdint>
#include <vector>

#include "koi/dataset/sampler.h"

namespace koi::dataset {

// What the planner knows of a sentence.
struct SentencePlace {
  int64_t length = 0;    // tokens of a turn of its own, the longest of what may be chosen
  size_t spellings = 1;  // texts to choose from
  size_t readings = 1;   // codes to choose from
};

struct SpeakerPlan {
  std::vector<SentencePlace> sentences;
  // max_length, max_sentences, interactive_prob, use_speaker, causal, skip_text_prob, text_dropout
  SamplerOptions options;
};

// Consecutive whole sentences of one speaker.
struct PlannedSample {
  struct Part {
    size_t sentence = 0;
    size_t spelling = 0;
    size_t reading = 0;
    bool skip_text = false;
  };
  size_t speaker = 0;
  std::vector<Part> parts;
  bool interactive = false;  // a turn a sentence; else all of them in one turn
  bool use_speaker = false;
  bool drop_texts = false;  // it is learnt without them
  int64_t length = 0;       // tokens, at most
};

// Samples that share one row of at most max_length tokens, one behind the other.
using PlannedRow = std::vector<PlannedSample>;

struct EpochSeed {
  uint64_t seed = 42;
  uint64_t epoch = 0;
};

// Each speaker's sentences in their order (from a random one on) or shuffled where not `causal`,
// cut into samples, each as long as max_length if interactive and else of a drawn length (the
// reference's distribution), with whole sentences only; the samples shuffled and put into rows
// where they fit, and the rows shuffled. A sentence that is longer than max_length stands alone in
// its row.
std::vector<PlannedRow> plan_epoch(const std::vector<SpeakerPlan>& speakers, int64_t max_length,
                                   const EpochSeed& seed);

}  // namespace koi::dataset
