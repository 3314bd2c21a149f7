// The endless stream of training batches in which every epoch visits every sentence once, without
// padding, with its exact position.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "koi/dataset/epoch_plan.h"
#include "koi/dataset/sample.h"
#include "koi/text/tokenizer.h"

namespace koi::dataset {

// Speakers that share settings.
struct EpochDataset {
  std::vector<TextData> groups;
  SamplerOptions sampler{};
};

struct EpochSourceOptions {
  uint64_t seed = 42;
  int64_t batch_size = 8;     // rows a batch
  int64_t max_length = 1024;  // tokens a row, at most
  int64_t rank = 0;           // of this process
  int64_t world_size = 1;
};

// How many rows of which epoch all ranks together have trained on.
struct EpochPosition {
  uint64_t epoch = 0;
  uint64_t row = 0;
  bool operator==(const EpochPosition&) const = default;
};

struct EpochSummary {
  int64_t speakers = 0;
  int64_t sentences = 0;
  int64_t tokens = 0;          // of an epoch, text and frames
  int64_t rows = 0;            // of the present epoch
  int64_t cut_sentences = 0;   // longer than max_length: their end is cut off
  int64_t longest_tokens = 0;  // of a sentence
};

// One row of a plan, and what its samples are made of.
struct RowSize {
  std::vector<int64_t> samples;  // their lengths, in tokens, at most
  int64_t frames = 0;            // of all of them
};

class EpochSource {
 public:
  // Throws Error(config) for settings that cannot be, and as Sampler for sentences that cannot be
  // trained on.
  EpochSource(std::vector<EpochDataset> datasets, const EpochSourceOptions& options,
              const text::Tokenizer& tokenizer);

  // batch_size rows of the epoch's plan, one behind the other in one row: `size` is 1,
  // `segments` holds the lengths of the samples, nothing is padding. All ranks together take
  // world_size * batch_size rows, each its own; where the epoch ends in between, the next one
  // begins.
  Batch next();

  // Goes on there, whatever the number of ranks was. Throws Error(corrupt) for a position outside
  // of its epoch.
  EpochPosition position() const { return position_; }
  void restore(const EpochPosition& position);

  const EpochSummary& summary() const { return summary_; }
  std::vector<RowSize> row_sizes() const;  // of the present epoch

 private:
  struct Speaker {
    TextData data;
    SamplerOptions options;
  };
  void add_speaker(TextData data, const SamplerOptions& options);
  int64_t turn_length(const Speaker& speaker, size_t sentence) const;
  void plan();
  Sample build(const PlannedSample& planned) const;

  EpochSourceOptions options_;
  text::Tokenizer tokenizer_;
  std::vector<Speaker> speakers_;
  std::vector<SpeakerPlan> places_;
  EpochSummary summary_;
  EpochPosition position_;
  std::vector<PlannedRow> rows_;  // of the present epoch
};

}  // namespace koi::dataset
