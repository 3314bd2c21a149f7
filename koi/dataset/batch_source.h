// The endless stream of training batches of one process as the reference draws it, with its exact
// position. Source: its behaviour, measured; cases in tests/goldens/data/sampling.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "koi/dataset/mixture.h"
#include "koi/dataset/sample.h"
#include "koi/dataset/sampler.h"
#include "koi/text/tokenizer.h"

namespace koi::dataset {

struct DatasetOptions {
  std::vector<std::string> proto_files;  // shards or folders of them, {a,b} and {00..09} expanded
  uint64_t seed = 42;                    // order of shards and groups
  SamplerOptions sampler{};
};

struct BatchSourceOptions {
  std::vector<DatasetOptions> datasets;  // 1 or more
  std::vector<double> probabilities;     // of each dataset, see Mixture; none: all the same
  int64_t batch_size = 8;
  int64_t max_length = 1024;  // batches are cut to it; samples aim at theirs
  int64_t rank = 0;           // of this process
  int64_t world_size = 1;
  int64_t num_workers = 1;
  uint64_t base_seed = 0;    // worker i seeds Python's and torch's generator with base_seed + i
  uint64_t picks_seed = 42;  // which of several datasets, the same in all workers
};

struct BatchSourceState {
  std::vector<SamplerState> samplers;  // one a worker
  uint64_t batches = 0;                // given so far
  bool operator==(const BatchSourceState&) const = default;
};

class BatchSource {
 public:
  // Reads all shards. Throws Error(not_found) for a path that is not there, Error(config) for
  // settings that cannot be (batch_size < 1, max_length < 20, ...), Error(corrupt) for damaged
  // shards and for a dataset without any sentence.
  BatchSource(const BatchSourceOptions& options, const text::Tokenizer& tokenizer);

  Batch next();

  BatchSourceState state() const;
  // Goes on exactly there. Throws Error(corrupt) where the state is of another number of workers.
  void restore(const BatchSourceState& state);

 private:
  struct Worker {
    std::vector<Sampler> datasets;
    SamplerStreams streams;
  };
  Worker open_worker(const BatchSourceOptions& options, const text::Tokenizer& tokenizer,
                     int64_t number) const;

  Mixture mixture_;
  std::vector<Worker> workers_;
  CollateOptions collate_;
  int64_t batch_size_;
  uint64_t batches_ = 0;
};

}  // namespace koi::dataset
