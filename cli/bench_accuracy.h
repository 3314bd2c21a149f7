// What smaller weights change: on sentences of a dataset, the true frames being given, how far the
// distributions that are drawn from differ from those of fp32 weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "koi/lm/cpu_weights.h"
#include "koi/text/tokenizer.h"

namespace koi::cli {

// Means over all distributions of one kind.
struct Difference {
  double divergence = 0;  // Kullback-Leibler, fp32 against the other, in nats
  double agreement = 0;   // share of those with the same best entry
  int64_t count = 0;
};

struct Accuracy {
  Difference tokens, codes;  // of the main token, of all codebooks

  // Both divergences at most 0.01 nats, and the same best entry in 98 of 100: what is proposed as
  // near enough to fp32. Nobody has listened to the published weights at these bounds.
  bool is_close() const;
};

// `sentences` as training takes them (dataset::Sample's layout, tokens and labels).
struct ForcedSentence {
  std::vector<int32_t> columns;  // [n, 1 + K], what goes in
  std::vector<int32_t> next;     // [n, 1 + K], what follows; -100 where nothing is predicted
};

// Up to `frames` frames of the shards that `patterns` name, in their order. Throws what
// dataset::find_shards and pack_turn throw.
std::vector<ForcedSentence> read_sentences(const std::vector<std::string>& patterns,
                                           const text::Tokenizer& tokenizer, int64_t frames,
                                           const lm::ModelConfig& config);

Accuracy compare_weights(const lm::CpuWeights& exact, const lm::CpuWeights& other,
                         const std::vector<ForcedSentence>& sentences);

}  // namespace koi::cli
