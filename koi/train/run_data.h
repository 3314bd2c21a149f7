// The random numbers of a run, and the data that it draws with them.
#pragma once

#include "koi/dataset/batch_source.h"
#include "koi/train/settings.h"

namespace koi::train {

// Streams of random numbers of one run, apart from each other.
enum class Stream : uint64_t { train_data = 0, val_data = 1, adapters = 2, dropout = 3 };
uint64_t stream_seed(const Settings& settings, Stream stream);

struct StepPlace {
  uint64_t step = 0, rank = 0;
};
// Of the dropout stream, for one step on one rank.
uint64_t step_seed(const Settings& settings, const StepPlace& place);

// How the batches of `stream` (train_data or val_data) are drawn, for a model with so many
// codebooks. The order of shards and speakers comes from the dataset's own seed. The draws come
// from the run's: a stream of it, or, as the reference does it (data.sampler=reference), the
// integer that torch's generator seeded with it gives to the loader, that for training first.
dataset::BatchSourceOptions data_options(const Settings& settings, Stream stream,
                                         int64_t num_codebooks);

}  // namespace koi::train
