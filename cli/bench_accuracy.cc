#include "cli/bench_accuracy.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "koi/base/interrupt.h"
#include "koi/dataset/sample.h"
#include "koi/dataset/shard.h"
#include "koi/dataset/shard_files.h"
#include "koi/lm/cpu_runner.h"
#include "koi/tensor/device.h"
#include "koi/text/clean.h"

namespace koi::cli {
namespace {

double log_sum_exp(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return largest + std::log(sum);
}

// Adds one distribution, as logits of both.
void add(Difference& difference, std::span<const float> exact, std::span<const float> other) {
  const double exact_sum = log_sum_exp(exact), other_sum = log_sum_exp(other);
  double divergence = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    const double log_p = exact[i] - exact_sum;
    divergence += std::exp(log_p) * (log_p - (other[i] - other_sum));
  }
  const auto best = [](std::span<const float> logits) {
    return std::max_element(logits.begin(), logits.end()) - logits.begin();
  };
  difference.divergence += divergence;
  difference.agreement += best(exact) == best(other) ? 1 : 0;
  difference.count += 1;
}

void add_rows(Difference& difference, const std::vector<float>& exact,
              const std::vector<float>& other, size_t rows) {
  const size_t width = exact.size() / rows;
  for (size_t i = 0; i < rows; ++i)
    add(difference, std::span(exact).subspan(i * width, width),
        std::span(other).subspan(i * width, width));
}

void finish(Difference& difference) {
  const auto count = static_cast<double>(std::max<int64_t>(difference.count, 1));
  difference.divergence /= count;
  difference.agreement /= count;
}

// One set of weights under forced input.
class Forced {
 public:
  explicit Forced(const lm::CpuWeights& weights)
      : weights_(weights),
        runner_(weights, tensor::thread_count(), kernels::usable_instructions().front()) {}

  void begin(const std::vector<int32_t>& columns) {
    const int64_t count = std::ssize(columns) / (1 + weights_.config.num_codebooks);
    lm::CpuCache cache(weights_.slow, count);
    hidden_ = runner_.append(columns, cache);
  }

  // Logits of the main token at some positions.
  std::vector<float> tokens(std::span<const int64_t> positions) {
    return runner_.token_logits(rows(positions), {});
  }

  // The first codebook's logits at some positions, then the next one's behind `codes`.
  std::vector<float> first_codes(std::span<const int64_t> positions) {
    caches_.assign(positions.size(), lm::CpuCache(weights_.fast, weights_.config.num_codebooks));
    pointers_.clear();
    for (lm::CpuCache& cache : caches_) pointers_.push_back(&cache);
    return runner_.code_logits(runner_.project_hidden(rows(positions)), pointers_);
  }
  std::vector<float> next_codes(std::span<const int32_t> codes) {
    return runner_.code_logits(runner_.embed_codes(codes), pointers_);
  }

 private:
  std::vector<float> rows(std::span<const int64_t> positions) const {
    const int64_t width = weights_.slow.sizes.dim;
    std::vector<float> result;
    for (const int64_t position : positions) {
      const auto from = hidden_.begin() + position * width;
      result.insert(result.end(), from, from + width);
    }
    return result;
  }

  const lm::CpuWeights& weights_;
  lm::CpuRunner runner_;
  std::vector<float> hidden_;
  std::vector<lm::CpuCache> caches_;
  std::vector<lm::CpuCache*> pointers_;
};

// Calls work(some positions) for all of `positions`, as many at a time as step together.
template <typename Work>
void in_groups(const std::vector<int64_t>& positions, const Work& work) {
  constexpr size_t kTogether = kernels::Inputs::kMost;
  for (size_t from = 0; from < positions.size(); from += kTogether)
    work(std::span(positions).subspan(from, std::min(kTogether, positions.size() - from)));
}

class Comparison {
 public:
  Comparison(const lm::CpuWeights& exact, const lm::CpuWeights& other)
      : height_(static_cast<size_t>(1 + exact.config.num_codebooks)),
        semantic_(exact.semantic_token_id),
        exact_(exact),
        other_(other) {}

  void add_sentence(const ForcedSentence& sentence) {
    exact_.begin(sentence.columns);
    other_.begin(sentence.columns);
    std::vector<int64_t> predicted, frames;
    for (size_t t = 0; t * height_ < sentence.next.size(); ++t) {
      const int32_t token = sentence.next[t * height_];
      // Frames and the end behind them: nobody draws the words of the prompt.
      if (token == semantic_ || sentence.columns[t * height_] == semantic_)
        predicted.push_back(static_cast<int64_t>(t));
      if (token == semantic_) frames.push_back(static_cast<int64_t>(t));
    }
    in_groups(predicted, [&](std::span<const int64_t> some) {
      add_rows(result_.tokens, exact_.tokens(some), other_.tokens(some), some.size());
    });
    in_groups(frames, [&](std::span<const int64_t> some) { add_codes(sentence, some); });
  }

  Accuracy result() const {
    Accuracy accuracy = result_;
    finish(accuracy.tokens);
    finish(accuracy.codes);
    return accuracy;
  }

 private:
  void add_codes(const ForcedSentence& sentence, std::span<const int64_t> positions) {
    add_rows(result_.codes, exact_.first_codes(positions), other_.first_codes(positions),
             positions.size());
    for (size_t k = 1; k + 1 < height_; ++k) {
      std::vector<int32_t> codes;
      for (const int64_t position : positions)
        codes.push_back(sentence.next[static_cast<size_t>(position) * height_ + k]);
      add_rows(result_.codes, exact_.next_codes(codes), other_.next_codes(codes), positions.size());
    }
  }

  size_t height_;
  int64_t semantic_;
  Forced exact_, other_;
  Accuracy result_;
};

std::vector<int32_t> by_columns(const dataset::TokenMatrix& matrix, int64_t most) {
  std::vector<int32_t> values;
  for (int64_t t = 0; t < std::min(matrix.columns, most); ++t)
    for (int64_t row = 0; row < matrix.rows; ++row)
      values.push_back(static_cast<int32_t>(matrix.at(row, t)));
  return values;
}

bool is_close_part(const Difference& difference) {
  constexpr double kMostNats = 0.01, kLeastAgreement = 0.98;
  return difference.divergence <= kMostNats && difference.agreement >= kLeastAgreement;
}

}  // namespace

bool Accuracy::is_close() const { return is_close_part(tokens) && is_close_part(codes); }

std::vector<ForcedSentence> read_sentences(const std::vector<std::string>& patterns,
                                           const text::Tokenizer& tokenizer, int64_t frames,
                                           const lm::ModelConfig& config) {
  std::vector<ForcedSentence> sentences;
  for (const base::fs::path& shard : dataset::find_shards(patterns)) {
    dataset::ShardReader reader(shard);
    while (const auto record = reader.next()) {
      for (const dataset::Sentence& sentence : record->sentences) {
        if (frames <= 0) return sentences;
        if (sentence.texts.empty()) continue;
        const dataset::Turn turn{.texts = {text::clean_text(sentence.texts.front())},
                                 .codes = {&sentence.codes},
                                 .speaker = record->name,
                                 .num_codebooks = config.num_codebooks};
        const dataset::Sample sample = dataset::pack_turn(turn, tokenizer);
        sentences.push_back({by_columns(sample.tokens, config.max_seq_len),
                             by_columns(sample.labels, config.max_seq_len)});
        frames -= std::ssize(sentence.codes.front());
      }
    }
  }
  return sentences;
}

Accuracy compare_weights(const lm::CpuWeights& exact, const lm::CpuWeights& other,
                         const std::vector<ForcedSentence>& sentences) {
  Comparison comparison(exact, other);
  for (const ForcedSentence& sentence : sentences) {
    if (base::stop_requested())
      throw base::Interrupted("bench", "was stopped", "the same command begins anew");
    comparison.add_sentence(sentence);
  }
  return comparison.result();
}

}  // namespace koi::cli
