// The random numbers of a run, and the data that it trains and validates on.
#pragma once

#include <future>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "koi/dataset/batch_source.h"
#include "koi/dataset/epoch_source.h"
#include "koi/train/batch.h"
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

// How the reference draws the batches of `stream` (train_data or val_data), for a model with so
// many codebooks (data.sampler=reference). The order of shards and speakers comes from the
// dataset's own seed, the draws from the integer that torch's generator, seeded with the run's
// seed, gives to the loader, that for training first.
dataset::BatchSourceOptions reference_options(const Settings& settings, Stream stream,
                                              int64_t num_codebooks);

// The exact place in the training data, by data.sampler.
using DataPlace = std::variant<dataset::EpochPosition, dataset::BatchSourceState>;

// This process among those that share the data.
struct Ranks {
  int rank = 0;
  int world_size = 1;
};

// What a run says at its validations.
struct SampleSentence {
  std::string text;    // cleaned
  int64_t frames = 0;  // of its recording; 0: there is none
};

class RunData {
 public:
  // With data.sampler=koi an epoch visits every sentence once, but those that are held out for
  // validation: of the same shards a share by text, or all of data.val_dataset where that names
  // others. With data.sampler=reference both are drawn as the reference draws them. `ranks` says
  // which part of the rows is this process's. Throws what opening the shards throws.
  RunData(const Settings& settings, const text::Tokenizer& tokenizer, int64_t num_codebooks,
          const Ranks& ranks);
  RunData(RunData&&) = delete;  // a thread draws from it

  // The batches of the next step, trainer.accumulate_grad_batches of them. Those of the step behind
  // it are drawn meanwhile, in a thread of their own: what was wrong there is thrown when they are
  // asked for.
  std::vector<Batch> next_step();
  // Behind the batches that were given out.
  const DataPlace& place() const { return given_.place; }
  // The place is the first rank's: with data.sampler=reference the others draw again what they have
  // drawn. Throws Error(config) where it is of the other data.sampler, and as the sources' restore.
  void restore(const DataPlace& place);

  // Passes over the data of all ranks together at place(), with the share of the present one;
  // nothing with data.sampler=reference.
  std::optional<double> epoch() const { return given_.epoch; }

  // Always the same ones. One sentence each if held_out(), else as drawn; none where
  // trainer.limit_val_batches is 0 or there is nothing to hold out.
  const std::vector<Batch>& validation() const { return validation_; }
  bool held_out() const { return held_out_; }

  // The held-out sentence that is middling long, whatever the order of the data; none where nothing
  // is held out.
  const std::optional<SampleSentence>& sample_sentence() const { return sample_sentence_; }

  // Rows of training batches, to be asked before the first is drawn: those of the present epoch,
  // one behind the other in a batch; with data.sampler=reference the largest that can be, and a
  // batch has each as a row of its own.
  std::vector<dataset::RowSize> row_sizes() const;

  // For the user, a line each, of the first rank: what there is, what is wrong with it, and what
  // would suit it (see advise).
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  using Source = std::variant<dataset::EpochSource, dataset::BatchSource>;
  Source open(const Settings& settings, const text::Tokenizer& tokenizer, int64_t num_codebooks,
              const Ranks& ranks);
  // Batches, and where the source stands behind them.
  struct Drawn {
    std::vector<Batch> batches;
    DataPlace place;
    std::optional<double> epoch;
  };
  Drawn draw(int64_t batches);
  std::future<Drawn> draw_ahead();

  std::vector<Batch> validation_;  // before source_, whose making takes them out
  bool held_out_ = false;
  std::optional<SampleSentence> sample_sentence_;
  std::vector<std::string> notes_;
  int rank_ = 0;
  int64_t max_length_ = 0;
  int64_t step_batches_ = 1;
  Source source_;
  Drawn given_;               // the last that were given out, without batches
  std::future<Drawn> ahead_;  // those behind them; nobody else touches source_ meanwhile
};

}  // namespace koi::train
