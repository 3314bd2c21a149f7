// Byte-pair merges learnt from texts (Sennrich et al. 2016), for byte_tokenizer_json(). Source: the
// algorithm as the `tokenizers` library's trainer follows it; cases in tests/goldens/text/train.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "koi/text/byte_tokenizer.h"

namespace koi::text {

// How often each word of a corpus occurs. What is kept grows with the different words only.
class WordCounts {
 public:
  WordCounts();

  // Counts the words of one text (valid UTF-8), cut as the tokenizer cuts: a word has its space
  // before it. Throws Error(unsupported) where the different words are more than 32 MiB together.
  void add(std::string_view text);

  uint64_t total() const { return total_; }
  // By the word in the byte-level alphabet (byte_level.h).
  const std::unordered_map<std::string, int64_t>& by_word() const { return counts_; }

 private:
  struct Cutter;
  std::shared_ptr<const Cutter> cutter_;
  std::unordered_map<std::string, int64_t> counts_;
  uint64_t total_ = 0;
  size_t bytes_ = 0;
};

struct BpeOptions {
  int64_t vocab_size = 512;  // with special tokens and bytes
  int64_t min_count = 2;     // a rarer pair is not merged
};

// Throws Error(config) for a vocabulary that has no room for bytes and special tokens or over 2^20
// entries, and for a min_count below 1.
void check_bpe_options(const BpeOptions& options);

struct LearntMerges {
  std::vector<TokenMerge> merges;  // first learnt first
  int64_t vocab_size = 0;          // less than asked for where no pair is left
  uint64_t tokens = 0;             // in which the words are spelled with them
};

// Merges the most frequent pair of neighbours again and again. Of pairs that are equally frequent
// the one whose left token has the lower id goes first, then the one whose right token has it (ids
// as byte_tokenizer_json() gives them), so that the same texts give the same merges in whatever
// order they came. Words of over 1024 bytes are learnt from in pieces, which bounds the time.
// `on_merge` is told the size of the vocabulary so far; what it throws ends the learning. Throws
// as check_bpe_options.
LearntMerges learn_merges(const WordCounts& words, const BpeOptions& options,
                          const std::function<void(int64_t vocab_size)>& on_merge = {});

}  // namespace koi::text
