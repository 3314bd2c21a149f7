#include "koi/dataset/batch_source.h"

#include "koi/base/error.h"
#include "koi/base/random.h"
#include "koi/dataset/at_least.h"
#include "koi/dataset/shard_files.h"

namespace koi::dataset {
namespace {

namespace fs = base::fs;

void check(const BatchSourceOptions& options) {
  at_least("batch_size", options.batch_size, 1);
  at_least("max_length", options.max_length, 20);
  for (const DatasetOptions& dataset : options.datasets)
    at_least("max_length", dataset.sampler.max_length, 20);  // under 20 no sentence is drawn
  at_least("rank", options.rank, 0);
  at_least("world_size", options.world_size, options.rank + 1);
  at_least("num_workers", options.num_workers, 1);
}

std::vector<uint32_t> words_of(uint64_t value) {
  std::vector<uint32_t> words{static_cast<uint32_t>(value)};
  if (value >> 32 != 0) words.push_back(static_cast<uint32_t>(value >> 32));
  return words;
}

Mixture mixture_of(const BatchSourceOptions& options) {
  const std::vector<double>& given = options.probabilities;
  if (!given.empty() && given.size() != options.datasets.size()) {
    throw Error(ErrorKind::config, "probabilities",
                "are " + std::to_string(given.size()) + ", the datasets " +
                    std::to_string(options.datasets.size()),
                "give one for each dataset");
  }
  return Mixture(given.empty() ? std::vector<double>(options.datasets.size(), 1.0) : given);
}

int64_t pad_token_of(const text::Tokenizer& tokenizer) {
  const auto eos = tokenizer.eos_id();
  if (!eos) {
    throw Error(ErrorKind::config, "tokenizer_config.json",
                "names no end-of-sequence token, batches are filled up with it");
  }
  return *eos;
}

}  // namespace

BatchSource::BatchSource(const BatchSourceOptions& options, const text::Tokenizer& tokenizer)
    : mixture_(mixture_of(options)),
      collate_{options.max_length, pad_token_of(tokenizer)},
      batch_size_(options.batch_size) {
  check(options);
  for (int64_t i = 0; i < options.num_workers; ++i)
    workers_.push_back(open_worker(options, tokenizer, i));
}

BatchSource::Worker BatchSource::open_worker(const BatchSourceOptions& options,
                                             const text::Tokenizer& tokenizer,
                                             int64_t number) const {
  const ReaderPlace place{options.rank, options.world_size, number, options.num_workers};
  const uint64_t seed = options.base_seed + static_cast<uint64_t>(number);
  Worker worker{{}, SamplerStreams({words_of(seed), seed, options.picks_seed})};
  for (const DatasetOptions& dataset : options.datasets) {
    std::vector<fs::path> shards = find_shards(dataset.proto_files);
    base::PythonRandom(dataset.seed).shuffle(shards);
    SamplerOptions sampler = dataset.sampler;
    sampler.specials = text::SpecialTokens::parse;
    worker.datasets.emplace_back(read_groups(share_of(shards, place), dataset.seed), tokenizer,
                                 sampler);
  }
  return worker;
}

Batch BatchSource::next() {
  Worker& worker = workers_[batches_++ % workers_.size()];
  std::vector<Sample> samples;
  for (int64_t i = 0; i < batch_size_; ++i) {
    const Sampler& dataset = worker.datasets[mixture_.index(worker.streams.pick())];
    samples.push_back(dataset.next(worker.streams).value());
  }
  return collate(samples, collate_);
}

BatchSourceState BatchSource::state() const {
  BatchSourceState state{{}, batches_};
  for (const Worker& worker : workers_) state.samplers.push_back(worker.streams.state());
  return state;
}

void BatchSource::restore(const BatchSourceState& state) {
  if (state.samplers.size() != workers_.size()) {
    throw Error(ErrorKind::corrupt, "data position",
                "is of " + std::to_string(state.samplers.size()) + " workers, expected " +
                    std::to_string(workers_.size()));
  }
  for (size_t i = 0; i < workers_.size(); ++i) workers_[i].streams.restore(state.samplers[i]);
  batches_ = state.batches;
}

}  // namespace koi::dataset
