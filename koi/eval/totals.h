// The figures of a voice, and the order of voices.
#pragma once

#include <optional>
#include <vector>

#include "koi/eval/error_rate.h"
#include "koi/eval/takes.h"

namespace koi::eval {

struct Heard {
  std::string hypothesis;  // nothing where there is no sound
  TextErrors errors;
};

// A sentence by a voice.
struct Result {
  Take take;
  std::vector<Heard> heard;          // by each recogniser
  std::optional<double> likeness{};  // to the recordings' speaker, -1 to 1
};

// Of all sentences of a voice.
struct Totals {
  size_t sentences = 0, failed = 0, reached_limit = 0;
  std::vector<TextErrors> errors{};        // by each recogniser; a failed sentence is all wrong
  std::optional<double> likeness{};        // mean over those that have one
  std::optional<double> duration_ratio{};  // of what has sound and a recording, to the recordings
  double duration_s = 0, silent_share = 0, clipped_share = 0;
  // By which voices are ordered, 0 to 1: the share of characters that were heard right (the mean of
  // the recognisers, none below 0) times the likeness (not below 0; where nobody hears, 0
  // for sentences without sound). Where neither is known, the
  // share of sentences that came to an end times how near the duration ratio is to 1 (the smaller
  // over the larger).
  double score = 0;
};

struct Row {
  std::string voice;
  Voice::Kind kind = Voice::Kind::checkpoint;
  std::vector<Result> results;  // in the sentences' order
  Totals totals{};
};

// `recorded_s`: for each sentence the seconds of its recording; 0 where there is none.
Totals sum_up(const std::vector<Result>& results, const std::vector<double>& recorded_s);

// Checkpoints first, the highest score first; then the recordings, then codecs.
void put_in_order(std::vector<Row>& rows);

}  // namespace koi::eval
