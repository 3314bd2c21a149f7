#include "koi/train/run_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <tuple>
#include <utility>

#include "koi/base/error.h"
#include "koi/base/random.h"
#include "koi/dataset/held_out.h"
#include "koi/dataset/shard_files.h"
#include "koi/text/clean.h"
#include "koi/train/advice.h"

namespace koi::train {
namespace {

dataset::SamplerOptions sampler_options(const DatasetSettings& settings, int64_t num_codebooks) {
  dataset::SamplerOptions options;
  options.max_length = settings.max_length;
  options.causal = settings.causal;
  options.use_speaker = settings.use_speaker;
  options.interactive_prob = settings.interactive_prob;
  options.skip_text_prob = settings.skip_text_prob;
  options.max_sentences = settings.max_sentences;
  options.text_dropout = settings.text_dropout;
  options.learn_texts = settings.learn_texts;
  options.alignment = settings.alignment;
  options.num_codebooks = num_codebooks;
  return options;
}

uint64_t loader_seed(const Settings& settings, Stream stream) {
  base::TorchRandom torch(settings.seed);
  const int64_t of_training = torch.integer();
  return static_cast<uint64_t>(stream == Stream::train_data ? of_training : torch.integer());
}

std::vector<dataset::EpochDataset> read_datasets(const MixtureSettings& mixture,
                                                 int64_t num_codebooks) {
  std::vector<dataset::EpochDataset> datasets;
  for (const DatasetSettings& settings : mixture.datasets) {
    datasets.push_back(
        {.groups = dataset::read_groups(dataset::find_shards(settings.proto_files), settings.seed),
         .sampler = sampler_options(settings, num_codebooks)});
    dataset::check_groups(datasets.back().groups, datasets.back().sampler);
  }
  return datasets;
}

std::vector<std::string> files_of(const MixtureSettings& mixture) {
  std::vector<std::string> files;
  for (const DatasetSettings& settings : mixture.datasets)
    files.insert(files.end(), settings.proto_files.begin(), settings.proto_files.end());
  std::sort(files.begin(), files.end());
  return files;
}

// Takes out of `datasets` what is held out.
std::vector<dataset::EpochDataset> hold_out(std::vector<dataset::EpochDataset>& datasets,
                                            const dataset::HeldOutOptions& options) {
  std::vector<dataset::TextData> all;
  for (const dataset::EpochDataset& dataset : datasets)
    all.insert(all.end(), dataset.groups.begin(), dataset.groups.end());
  const auto texts = dataset::choose_held_out(all, options);
  std::vector<dataset::EpochDataset> held_out;
  for (dataset::EpochDataset& dataset : datasets)
    held_out.push_back({dataset::take_out(dataset.groups, texts), dataset.sampler});
  return held_out;
}

// Every sentence, in its first spelling, as a batch of its own.
std::vector<Batch> sentence_batches(const std::vector<dataset::EpochDataset>& datasets,
                                    const text::Tokenizer& tokenizer, int64_t max_length) {
  std::vector<Batch> batches;
  for (const dataset::EpochDataset& dataset : datasets) {
    for (const dataset::TextData& group : dataset.groups) {
      for (const dataset::Sentence& sentence : group.sentences) {
        const auto sample = dataset::single_sentence(group, sentence, dataset.sampler, tokenizer);
        batches.push_back(to_batch(dataset::pack_samples({sample}, max_length)));
      }
    }
  }
  return batches;
}

std::optional<SampleSentence> middling_sentence(
    const std::vector<dataset::EpochDataset>& datasets) {
  std::vector<SampleSentence> sentences;
  for (const dataset::EpochDataset& dataset : datasets) {
    for (const dataset::TextData& group : dataset.groups) {
      for (const dataset::Sentence& sentence : group.sentences)
        sentences.push_back(
            {text::clean_text(sentence.texts.front()), std::ssize(sentence.codes.front())});
    }
  }
  if (sentences.empty()) return std::nullopt;
  const auto middle = sentences.begin() + std::ssize(sentences) / 2;
  std::nth_element(sentences.begin(), middle, sentences.end(), [](const auto& a, const auto& b) {
    return std::tie(a.frames, a.text) < std::tie(b.frames, b.text);
  });
  return *middle;
}

std::vector<Batch> drawn_batches(const Settings& settings, const text::Tokenizer& tokenizer,
                                 int64_t num_codebooks) {
  std::vector<Batch> batches;
  if (settings.val_batches == 0) return batches;
  dataset::BatchSource source(reference_options(settings, Stream::val_data, num_codebooks),
                              tokenizer);
  for (int64_t i = 0; i < settings.val_batches; ++i) batches.push_back(to_batch(source.next()));
  return batches;
}

std::string count_of(int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// The share of padding in batches as the reference draws them from the same data, by one worker,
// for each holds the data.
double reference_padding(const Settings& settings, const text::Tokenizer& tokenizer,
                         int64_t num_codebooks) {
  constexpr int kBatches = 8;
  auto options = reference_options(settings, Stream::train_data, num_codebooks);
  options.num_workers = 1;
  dataset::BatchSource source(options, tokenizer);
  double padded = 0, all = 0;
  for (int i = 0; i < kBatches; ++i) {
    const dataset::Batch batch = source.next();
    padded += static_cast<double>(
        std::count(batch.attention_mask.begin(), batch.attention_mask.end(), 1));
    all += static_cast<double>(batch.attention_mask.size());
  }
  return padded / all;
}

std::vector<std::string> notes_on(const dataset::EpochSummary& summary, size_t held_out,
                                  double reference_padding) {
  std::vector<std::string> notes;
  notes.push_back(fmt::format("data: {} of {}, {} tokens an epoch in {}; {} held out",
                              count_of(summary.sentences, "sentence"),
                              count_of(summary.speakers, "speaker"), summary.tokens,
                              count_of(summary.rows, "row"),
                              count_of(static_cast<int64_t>(held_out), "sentence")));
  notes.push_back(fmt::format("padding: none (data.sampler=reference would have {:.0f} %)",
                              100 * reference_padding));
  if (held_out == 0)
    notes.push_back("warning: nothing is held out, so over-fitting will not be seen");
  return notes;
}

}  // namespace

uint64_t stream_seed(const Settings& settings, Stream stream) {
  constexpr uint64_t kStride = 0x9E3779B97F4A7C15;  // the golden ratio: far apart for near seeds
  return settings.seed + static_cast<uint64_t>(stream) * kStride;
}

uint64_t step_seed(const Settings& settings, const StepPlace& place) {
  // SplitMix64's mixing, which sets neighbouring numbers far apart.
  // Source: Steele, Lea and Flood 2014.
  const auto mix = [](uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
  };
  return mix(mix(stream_seed(settings, Stream::dropout) + place.step) + place.rank);
}

dataset::BatchSourceOptions reference_options(const Settings& settings, Stream stream,
                                              int64_t num_codebooks) {
  const MixtureSettings& data =
      stream == Stream::train_data ? settings.train_data : settings.val_data;
  dataset::BatchSourceOptions options;
  for (const DatasetSettings& dataset : data.datasets) {
    options.datasets.push_back({.proto_files = dataset.proto_files,
                                .seed = dataset.seed,
                                .sampler = sampler_options(dataset, num_codebooks)});
  }
  options.probabilities = data.probabilities;
  options.batch_size = settings.batch_size;
  options.max_length = settings.max_length;
  options.num_workers = settings.num_workers;
  options.base_seed = loader_seed(settings, stream);
  options.picks_seed = data.seed;
  return options;
}

RunData::RunData(const Settings& settings, const text::Tokenizer& tokenizer, int64_t num_codebooks,
                 const Ranks& ranks)
    : rank_(ranks.rank),
      max_length_(settings.max_length),
      step_batches_(settings.accumulate_batches),
      source_(open(settings, tokenizer, num_codebooks, ranks)),
      given_(draw(0)) {}

RunData::Source RunData::open(const Settings& settings, const text::Tokenizer& tokenizer,
                              int64_t num_codebooks, const Ranks& ranks) {
  if (settings.reference_sampling) {
    validation_ = drawn_batches(settings, tokenizer, num_codebooks);
    auto options = reference_options(settings, Stream::train_data, num_codebooks);
    options.rank = ranks.rank;
    options.world_size = ranks.world_size;
    return dataset::BatchSource(options, tokenizer);
  }
  std::vector<dataset::EpochDataset> train = read_datasets(settings.train_data, num_codebooks);
  std::vector<dataset::EpochDataset> held_out;
  if (settings.val_batches == 0) {
    // Nothing is to be validated, so all is trained on.
  } else if (files_of(settings.train_data) == files_of(settings.val_data)) {
    held_out = hold_out(train, settings.held_out);
  } else {
    held_out = read_datasets(settings.val_data, num_codebooks);
  }
  validation_ = sentence_batches(held_out, tokenizer, settings.max_length);
  held_out_ = true;
  sample_sentence_ = middling_sentence(held_out);
  const DataFacts facts = facts_of(train);
  dataset::EpochSource source(std::move(train),
                              {.seed = stream_seed(settings, Stream::train_data),
                               .batch_size = settings.batch_size,
                               .max_length = settings.max_length,
                               .rank = ranks.rank,
                               .world_size = ranks.world_size},
                              tokenizer);
  if (ranks.rank != 0) return source;
  notes_ = notes_on(source.summary(), validation_.size(),
                    reference_padding(settings, tokenizer, num_codebooks));
  const auto advice = advise(facts, source.summary(), settings, ranks.world_size);
  notes_.insert(notes_.end(), advice.begin(), advice.end());
  if (!settings.train_data.probabilities.empty())
    notes_.push_back("note: probabilities have an effect with data.sampler=reference only");
  return source;
}

std::vector<Batch> RunData::next_step() {
  given_ = ahead_.valid() ? ahead_.get() : draw(step_batches_);
  ahead_ = draw_ahead();
  return std::exchange(given_.batches, {});
}

std::future<RunData::Drawn> RunData::draw_ahead() {
  try {
    return std::async(std::launch::async, [this] { return draw(step_batches_); });
  } catch (const std::system_error&) {
    return {};  // no thread is to be had: drawn when needed
  }
}

RunData::Drawn RunData::draw(int64_t batches) {
  Drawn drawn;
  for (int64_t i = 0; i < batches; ++i) {
    drawn.batches.push_back(
        std::visit([](auto& source) { return to_batch(source.next()); }, source_));
  }
  const auto* epochs = std::get_if<dataset::EpochSource>(&source_);
  if (epochs == nullptr) {
    drawn.place = std::get<dataset::BatchSource>(source_).state();
    return drawn;
  }
  const dataset::EpochPosition position = epochs->position();
  drawn.place = position;
  drawn.epoch = static_cast<double>(position.epoch) +
                static_cast<double>(position.row) / static_cast<double>(epochs->summary().rows);
  return drawn;
}

std::vector<dataset::RowSize> RunData::row_sizes() const {
  if (const auto* epochs = std::get_if<dataset::EpochSource>(&source_)) return epochs->row_sizes();
  return {{.samples = {max_length_}, .frames = max_length_}};
}

void RunData::restore(const DataPlace& place) {
  const auto* position = std::get_if<dataset::EpochPosition>(&place);
  auto* epochs = std::get_if<dataset::EpochSource>(&source_);
  if ((position != nullptr) != (epochs != nullptr)) {
    throw Error(ErrorKind::config, "data.sampler", "is not the one that the run began with",
                std::string("go on with data.sampler=") +
                    (position != nullptr ? "koi" : "reference") + ", or begin another project");
  }
  ahead_ = {};  // waits for those under way
  if (position != nullptr) {
    epochs->restore(*position);
  } else {
    auto& source = std::get<dataset::BatchSource>(source_);
    const auto& state = std::get<dataset::BatchSourceState>(place);
    if (rank_ == 0) {
      source.restore(state);
    } else {
      for (uint64_t i = 0; i < state.batches; ++i) source.next();
    }
  }
  given_ = draw(0);
}

}  // namespace koi::train
