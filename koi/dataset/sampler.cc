#include "koi/dataset/sampler.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "koi/base/error.h"
#include "koi/text/clean.h"

namespace koi::dataset {
namespace {

// The inverse of std::erf for |y| < 1, to double precision: Winitzki's approximation (2008), then
// Newton's steps.
double inverse_erf(double y) {
  constexpr double kA = 0.147;
  const double log_part = std::log1p(-y * y);
  const double half = 2 / (std::numbers::pi * kA) + log_part / 2;
  double x = std::copysign(std::sqrt(std::sqrt(half * half - log_part / kA) - half), y);
  for (int step = 0; step < 3; ++step) {
    x -= (std::erf(x) - y) * std::sqrt(std::numbers::pi) / 2 * std::exp(x * x);
  }
  return x;
}

void check_options(const SamplerOptions& options) {
  const auto check = [](const char* name, double share) {
    if (share >= 0 && share <= 1) return;
    throw Error(ErrorKind::config, name, "is " + std::to_string(share) + ", expected 0 to 1");
  };
  check("interactive_prob", options.interactive_prob);
  check("skip_text_prob", options.skip_text_prob);
  check("text_dropout", options.text_dropout);
  if (const double* share = std::get_if<double>(&options.use_speaker)) check("use_speaker", *share);
}

void check_sentence(const Sentence& sentence, const std::string& where, int64_t num_codebooks) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::corrupt, where, what,
                "run koi extract-vq and koi build-dataset again, and check num_codebooks");
  };
  if (sentence.texts.empty()) refuse("has no text");
  const auto check = [&](const CodeRows& codes) {
    if (codes.empty()) refuse("has no codes");
    for (const auto& row : codes) {
      if (row.size() != codes.front().size()) refuse("has codebooks of different lengths");
    }
    if (static_cast<int64_t>(codes.size()) < num_codebooks) {
      refuse("has " + std::to_string(codes.size()) + " codebooks, the model " +
             std::to_string(num_codebooks));
    }
  };
  check(sentence.codes);
  for (const CodeRows& codes : sentence.shifted) check(codes);
}

}  // namespace

void check_groups(const std::vector<TextData>& groups, const SamplerOptions& options) {
  check_options(options);
  for (const TextData& group : groups) {
    for (size_t i = 0; i < group.sentences.size(); ++i) {
      check_sentence(group.sentences[i],
                     "speaker \"" + group.name + "\", sentence " + std::to_string(i),
                     options.num_codebooks);
    }
  }
}

Sample single_sentence(const TextData& group, const Sentence& sentence,
                       const SamplerOptions& options, const text::Tokenizer& tokenizer) {
  Turn turn;
  turn.num_codebooks = options.num_codebooks;
  turn.specials = options.specials;
  turn.learn_text = options.learn_texts;
  const double* share = std::get_if<double>(&options.use_speaker);
  if (share != nullptr ? *share >= 0.5 : std::get<bool>(options.use_speaker))
    turn.speaker = group.name;
  turn.texts = {text::clean_text(sentence.texts.front())};
  turn.codes = {&sentence.codes};
  return pack_turn(turn, tokenizer);
}

float draw_truncated_length(base::TorchRandom& random, int64_t length) {
  constexpr double kShortest = 10;
  const auto mean = static_cast<double>(length / 2);
  const auto deviation = static_cast<double>(length / 4);
  const auto cumulative = [&](double x) {
    return (1 + std::erf((x - mean) / deviation / std::numbers::sqrt2)) / 2;
  };
  const float uniform =
      random.uniform(static_cast<float>(2 * cumulative(kShortest) - 1),
                     static_cast<float>(2 * cumulative(static_cast<double>(length)) - 1));
  float value = static_cast<float>(inverse_erf(uniform));
  value *= static_cast<float>(deviation * std::numbers::sqrt2);
  value += static_cast<float>(mean);
  return std::clamp(value, static_cast<float>(kShortest), static_cast<float>(length));
}

SamplerStreams::SamplerStreams(const SamplerSeeds& seeds)
    : python(seeds.python),
      torch(seeds.torch),
      picks_seed_(seeds.picks),
      picks_generator_(seeds.picks) {}

double SamplerStreams::pick() {
  ++picks_;
  return picks_generator_.random();
}

void SamplerStreams::restore(const SamplerState& state) {
  python.restore(state.python);
  torch.restore(state.torch);
  picks_generator_ = base::NumpyRandom(picks_seed_);
  picks_generator_.skip(picks_ = state.picks);
}

Sampler::Sampler(std::vector<TextData> groups, text::Tokenizer tokenizer, SamplerOptions options)
    : groups_(std::move(groups)), tokenizer_(std::move(tokenizer)), options_(std::move(options)) {
  check_groups(groups_, options_);
  uint64_t sum = 0;
  for (const TextData& group : groups_) cumulative_.push_back(sum += group.sentences.size());
  if (sum == 0) {
    throw Error(ErrorKind::corrupt, "dataset", "has no sentence",
                "build it with koi build-dataset, and check the path of its shards");
  }
}

std::vector<const Sentence*> Sampler::draw_sentences(const TextData& group,
                                                     base::PythonRandom& random) const {
  const size_t count = group.sentences.size();
  const size_t wanted = static_cast<size_t>(options_.max_length / 20);
  const size_t taken = std::min(wanted, count);
  std::vector<const Sentence*> drawn;
  if (options_.causal) {
    const size_t begin = count > wanted ? random.below(count - wanted + 1) : 0;
    for (size_t i = 0; i < taken; ++i) drawn.push_back(&group.sentences[begin + i]);
  } else {
    for (size_t i = 0; i < taken; ++i) drawn.push_back(&group.sentences[random.index(count)]);
  }
  return drawn;
}

bool Sampler::draw_speaker_use(base::PythonRandom& random) const {
  const double* share = std::get_if<double>(&options_.use_speaker);
  return share != nullptr ? random.random() < *share : std::get<bool>(options_.use_speaker);
}

std::optional<Sample> Sampler::next(SamplerStreams& streams) const {
  base::PythonRandom& random = streams.python;
  const TextData& group = groups_[random.weighted_index(cumulative_)];
  const std::vector<const Sentence*> sentences = draw_sentences(group, random);
  if (sentences.empty()) return std::nullopt;

  const bool interactive = random.random() < options_.interactive_prob;
  // Four tokens stand around the text of a sample that is not interactive.
  int64_t remaining =
      interactive
          ? options_.max_length
          : static_cast<int64_t>(draw_truncated_length(streams.torch, options_.max_length)) - 4;
  Turn turn;
  turn.num_codebooks = options_.num_codebooks;
  turn.specials = options_.specials;
  turn.learn_text = options_.learn_texts;
  if (draw_speaker_use(random)) turn.speaker = group.name;

  std::vector<Sample> turns;
  for (size_t i = 0; i < sentences.size() && remaining > 0; ++i) {
    const Sentence& sentence = *sentences[i];
    turn.texts.push_back(text::clean_text(sentence.texts[random.below(sentence.texts.size())]));
    turn.codes.push_back(&sentence.codes);
    remaining -= static_cast<int64_t>(
        tokenizer_.encode(turn.texts.back(), options_.specials).size() + sentence.codes[0].size());
    if (!interactive) continue;
    turn.skip_text = random.random() < options_.skip_text_prob;
    turns.push_back(pack_turn(turn, tokenizer_));
    turn.texts.clear();
    turn.codes.clear();
  }
  return interactive ? join_samples(turns) : pack_turn(turn, tokenizer_);
}

}  // namespace koi::dataset
