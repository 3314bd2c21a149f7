// What a run's data asks for, said before the run.
#pragma once

#include <string>
#include <vector>

#include "koi/dataset/epoch_source.h"
#include "koi/train/settings.h"

namespace koi::train {

// Seconds of a column of codes: 2048 samples at 44.1 kHz, the published codec's.
inline constexpr double kFrame_s = 2048 / 44100.0;

// What is trained on.
struct DataFacts {
  struct Speaker {
    std::string name;
    double duration_s = 0;
  };
  std::vector<Speaker> speakers;
  // Transcripts that cannot be what is said (dataset::odd_rates), each with speaker and seconds.
  std::vector<std::string> odd_transcripts;

  double minutes() const;
};
DataFacts facts_of(const std::vector<dataset::EpochDataset>& data);

struct Advice {
  int64_t max_steps = 0;
  int64_t batch_size = 0;          // rows
  int64_t accumulate_batches = 0;  // that make one step
  int64_t max_length = 0;          // tokens a row
};

// Rules of thumb, no measurements of the voice that comes out: a step of about a 64th of an epoch,
// between 1024 and 8192 tokens, in batches of at most 4 rows a process; rows of 1024 tokens, more
// where a sentence is longer; and as many steps as go 30 times through under ten minutes of speech,
// 20 times through under an hour, 10 times through more, 200 to 5000 of them.
Advice suggest(const dataset::EpochSummary& summary, double minutes, int64_t world_size);

// A line each, for the user: the suggestion as overrides, beside what the settings would do; then
// warnings: too few minutes, sentences that are cut at max_length, one speaker far more than all
// others, transcripts that cannot be what is said, steps that go far too often through the data
// with nothing to end them.
std::vector<std::string> advise(const DataFacts& facts, const dataset::EpochSummary& summary,
                                const Settings& settings, int64_t world_size);

}  // namespace koi::train
