#include "koi/dataset/epoch_source.h"

#include <algorithm>

#include "koi/base/error.h"
#include "koi/dataset/at_least.h"
#include "koi/text/clean.h"

namespace koi::dataset {
namespace {

void check(const EpochSourceOptions& options) {
  at_least("batch_size", options.batch_size, 1);
  at_least("max_length", options.max_length, 20);
  at_least("rank", options.rank, 0);
  at_least("world_size", options.world_size, options.rank + 1);
}

Turn turn_of(const TextData& speaker, const SamplerOptions& options, bool use_speaker) {
  Turn turn;
  turn.num_codebooks = options.num_codebooks;
  turn.specials = options.specials;
  turn.learn_text = options.learn_texts;
  if (use_speaker) turn.speaker = speaker.name;
  return turn;
}

const CodeRows& codes_of(const Sentence& sentence, size_t reading) {
  return reading == 0 ? sentence.codes : sentence.shifted[reading - 1];
}

// The reading with the most frames.
size_t longest_reading(const Sentence& sentence) {
  size_t longest = 0;
  for (size_t i = 1; i <= sentence.shifted.size(); ++i) {
    if (codes_of(sentence, i).front().size() > codes_of(sentence, longest).front().size())
      longest = i;
  }
  return longest;
}

// Shifted codes are behind less than a frame of silence, evenly spread from reading to reading.
std::vector<uint32_t> alignment_of(const Sentence& sentence, size_t reading) {
  std::vector<uint32_t> alignment = sentence.alignment;
  if (reading == 0 || alignment.empty()) return alignment;
  if (2 * reading > sentence.shifted.size()) alignment.insert(alignment.begin(), 0);
  alignment.resize(codes_of(sentence, reading).front().size());
  return alignment;
}

void add_sentence(Turn& turn, const Sentence& sentence, const PlannedSample::Part& part,
                  bool aligned) {
  turn.texts.push_back(text::clean_text(sentence.texts[part.spelling]));
  turn.codes.push_back(&codes_of(sentence, part.reading));
  if (!aligned) return;
  const bool is_known = part.spelling == 0;  // its text
  turn.alignments.push_back(is_known ? alignment_of(sentence, part.reading)
                                     : std::vector<uint32_t>());
}

bool may_use_speaker(const SamplerOptions& options) {
  const double* share = std::get_if<double>(&options.use_speaker);
  return share != nullptr ? *share > 0 : std::get<bool>(options.use_speaker);
}

}  // namespace

EpochSource::EpochSource(std::vector<EpochDataset> datasets, const EpochSourceOptions& options,
                         const text::Tokenizer& tokenizer)
    : options_(options), tokenizer_(tokenizer) {
  check(options);
  for (EpochDataset& dataset : datasets) {
    check_groups(dataset.groups, dataset.sampler);
    for (TextData& group : dataset.groups) add_speaker(std::move(group), dataset.sampler);
  }
  if (summary_.sentences == 0) {
    throw Error(ErrorKind::corrupt, "dataset", "has no sentence",
                "build it with koi build-dataset, and check the path of its shards");
  }
  plan();
}

void EpochSource::add_speaker(TextData data, const SamplerOptions& options) {
  Speaker speaker{std::move(data), options};
  speaker.options.max_length = std::min(options.max_length, options_.max_length);
  SpeakerPlan places{.sentences = {}, .options = speaker.options};
  for (size_t i = 0; i < speaker.data.sentences.size(); ++i) {
    const int64_t length = turn_length(speaker, i);
    summary_.tokens += length;
    summary_.longest_tokens = std::max(summary_.longest_tokens, length);
    summary_.cut_sentences += length > options_.max_length;
    places.sentences.push_back({.length = length,
                                .spellings = speaker.data.sentences[i].texts.size(),
                                .readings = 1 + speaker.data.sentences[i].shifted.size()});
  }
  ++summary_.speakers;
  summary_.sentences += static_cast<int64_t>(places.sentences.size());
  speakers_.push_back(std::move(speaker));
  places_.push_back(std::move(places));
}

// The longest that the sentence can become, in a turn of its own. In a turn with others it is
// shorter, for they share what stands around the texts.
int64_t EpochSource::turn_length(const Speaker& speaker, size_t sentence) const {
  const Sentence& spoken = speaker.data.sentences[sentence];
  int64_t longest = 0;
  for (const bool skip_text : {false, true}) {
    if (skip_text && speaker.options.skip_text_prob == 0) continue;
    for (size_t i = 0; i < spoken.texts.size(); ++i) {
      Turn turn = turn_of(speaker.data, speaker.options, may_use_speaker(speaker.options));
      add_sentence(turn, spoken, {.spelling = i, .reading = longest_reading(spoken)},
                   /*aligned=*/false);
      turn.skip_text = skip_text;
      longest = std::max(longest, pack_turn(turn, tokenizer_).tokens.columns);
    }
  }
  return longest;
}

void EpochSource::plan() {
  rows_ =
      plan_epoch(places_, options_.max_length, {.seed = options_.seed, .epoch = position_.epoch});
  summary_.rows = static_cast<int64_t>(rows_.size());
}

Sample EpochSource::build(const PlannedSample& planned) const {
  const Speaker& speaker = speakers_[planned.speaker];
  Turn turn = turn_of(speaker.data, speaker.options, planned.use_speaker);
  std::vector<Sample> turns;
  for (const PlannedSample::Part& part : planned.parts) {
    add_sentence(turn, speaker.data.sentences[part.sentence], part, speaker.options.alignment);
    if (planned.drop_texts) turn.texts.clear();  // of which no token is spoken then
    if (!planned.interactive) continue;
    turn.skip_text = part.skip_text;
    turns.push_back(pack_turn(turn, tokenizer_));
    turn.texts.clear();
    turn.codes.clear();
    turn.alignments.clear();
  }
  return planned.interactive ? join_samples(turns) : pack_turn(turn, tokenizer_);
}

Batch EpochSource::next() {
  const int64_t first = options_.rank * options_.batch_size;
  const int64_t rows_of_all = options_.world_size * options_.batch_size;
  std::vector<Sample> samples;
  for (int64_t i = 0; i < rows_of_all; ++i) {
    if (position_.row == rows_.size()) {
      position_ = {.epoch = position_.epoch + 1, .row = 0};
      plan();
    }
    if (i >= first && i < first + options_.batch_size) {
      for (const PlannedSample& planned : rows_[position_.row]) samples.push_back(build(planned));
    }
    ++position_.row;
  }
  return pack_samples(samples, options_.max_length);
}

std::vector<RowSize> EpochSource::row_sizes() const {
  std::vector<RowSize> sizes;
  for (const PlannedRow& row : rows_) {
    RowSize& size = sizes.emplace_back();
    for (const PlannedSample& sample : row) {
      const int64_t length = std::min(sample.length, options_.max_length);
      int64_t frames = 0;
      for (const PlannedSample::Part& part : sample.parts) {
        const auto& codes =
            codes_of(speakers_[sample.speaker].data.sentences[part.sentence], part.reading);
        frames += static_cast<int64_t>(codes.front().size());
      }
      size.samples.push_back(length);
      size.frames += std::min(frames, length);
    }
  }
  return sizes;
}

void EpochSource::restore(const EpochPosition& position) {
  position_ = position;
  plan();
  if (position.row <= rows_.size()) return;
  throw Error(ErrorKind::corrupt, "place in the data",
              "is row " + std::to_string(position.row) + " of " + std::to_string(rows_.size()),
              "the dataset has changed since the checkpoint was written: begin another project");
}

}  // namespace koi::dataset
