// Random training samples from the groups (speakers) of a dataset, the reference's draws in the
// reference's order. Source: its behaviour, measured; cases in tests/goldens/data/sampling.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "koi/base/numpy_random.h"
#include "koi/base/random.h"
#include "koi/dataset/sample.h"
#include "koi/dataset/shard.h"
#include "koi/text/tokenizer.h"

namespace koi::dataset {

struct SamplerOptions {
  int64_t max_length = 1024;  // tokens; the last sentence of a sample goes in whole, so it may be
                              // longer (collate cuts it)
  double interactive_prob = 0.5;  // share of samples with one turn a sentence, 0 to 1
  // true: the speaker's name stands for "assistant"; a number: in that share of the samples.
  std::variant<bool, double> use_speaker = true;
  bool causal = true;           // sentences in a row; false: drawn one by one
  int64_t num_codebooks = 0;    // 0: as many as the data has
  double skip_text_prob = 0.0;  // share of interactive turns whose text is skipped, 0 to 1
  bool learn_texts = true;      // of turns, see Turn::learn_text
  bool alignment = false;       // EpochSource tells which token is spoken where, if it is known
  int64_t max_sentences = 0;    // of a sample that plan_epoch makes; 0: as many as fit
  double text_dropout = 0;      // share of such samples whose speech is learnt without its texts
  // Differs: the reference parses special tokens inside of transcripts and names.
  text::SpecialTokens specials = text::SpecialTokens::plain;
};

struct SamplerSeeds {
  std::vector<uint32_t> python;  // all choices; words of the seed, lowest first, 1 or more
  uint64_t torch = 0;            // the lengths of samples that are not interactive
  uint64_t picks = 42;           // which of several datasets
};

// The exact place in all streams.
struct SamplerState {
  base::RandomState python;
  base::RandomState torch;
  uint64_t picks = 0;  // drawn so far
  bool operator==(const SamplerState&) const = default;
};

// The random numbers of one reader of data, which all its datasets draw from.
class SamplerStreams {
 public:
  explicit SamplerStreams(const SamplerSeeds& seeds);

  base::PythonRandom python;
  base::TorchRandom torch;
  double pick();  // 0 to below 1, for Mixture::index

  SamplerState state() const { return {python.state(), torch.state(), picks_}; }
  void restore(const SamplerState& state);  // throws Error(corrupt)

 private:
  uint64_t picks_seed_;
  base::NumpyRandom picks_generator_;
  uint64_t picks_ = 0;
};

// Throws Error(config) for probabilities outside of 0 to 1; Error(corrupt), naming the speaker, for
// sentences without text or codes, with rows of different lengths or fewer rows than num_codebooks.
// Differs: the reference fails when it comes across such a sentence.
void check_groups(const std::vector<TextData>& groups, const SamplerOptions& options);

// The sentence in its first spelling, in a turn of its own; with the speaker's name where
// use_speaker is true or a share of a half and more.
Sample single_sentence(const TextData& group, const Sentence& sentence,
                       const SamplerOptions& options, const text::Tokenizer& tokenizer);

class Sampler {
 public:
  // Throws as check_groups, and Error(corrupt) for groups without a sentence at all.
  Sampler(std::vector<TextData> groups, text::Tokenizer tokenizer, SamplerOptions options);

  // The next sample; nothing where max_length is under 20 (no sentence fits, as in the reference).
  // Draws, in this order: the group by its number of sentences; the first sentence (causal, and
  // only if the group has more than max_length / 20) or each sentence with replacement (not
  // causal); interactive or not; if not, the length; the use of the speaker (only for a number);
  // and for each sentence the spelling and, interactive, whether its text is skipped.
  std::optional<Sample> next(SamplerStreams& streams) const;

 private:
  std::vector<const Sentence*> draw_sentences(const TextData& group,
                                              base::PythonRandom& random) const;
  bool draw_speaker_use(base::PythonRandom& random) const;

  std::vector<TextData> groups_;
  std::vector<uint64_t> cumulative_;  // sentences of the groups up to and with this one
  text::Tokenizer tokenizer_;
  SamplerOptions options_;
};

// One draw of a normal distribution (mean L/2, deviation L/4) cut to 10 .. L, in float32 as torch
// up to 2.4.1 makes it: one uniform number through the inverse error function. `length` is L.
// Differs: newer torch draws by rejection.
float draw_truncated_length(base::TorchRandom& random, int64_t length);

}  // namespace koi::dataset
