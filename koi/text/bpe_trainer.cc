#include "koi/text/bpe_trainer.h"

#include <algorithm>
#include <array>
#include <queue>

#include "koi/base/error.h"
#include "koi/base/utf8.h"
#include "koi/text/byte_level.h"
#include "koi/text/json_node.h"
#include "koi/text/pre_tokenizer.h"

namespace koi::text {
namespace {

constexpr size_t kMaxWordBytes = size_t{32} << 20;  // of all different words
constexpr size_t kLongWord = 1024;
constexpr int64_t kMaxVocabulary = int64_t{1} << 20;

using Id = uint32_t;

// Two neighbours in one number, whose order is that of the left id, then of the right one.
constexpr uint64_t pair_of(Id left, Id right) { return uint64_t{left} << 32 | right; }
constexpr Id left_of(uint64_t pair) { return static_cast<Id>(pair >> 32); }
constexpr Id right_of(uint64_t pair) { return static_cast<Id>(pair); }

class Learner {
 public:
  Learner(const WordCounts& words, int64_t min_count)
      : min_count_(min_count), tokens_(byte_tokenizer_tokens()) {
    for (size_t id = 0; id < tokens_.size(); ++id) ids_[tokens_[id]] = static_cast<Id>(id);
    for (const auto& [word, count] : words.by_word()) add_word(word, count);
    for (uint32_t word = 0; word < words_.size(); ++word) {
      const Word& w = words_[word];
      for (uint32_t i = w.begin; i + 1 < w.begin + w.length; ++i)
        change(pair_of(symbols_[i], symbols_[i + 1]), w.count, word);
    }
    for (const auto& [pair, use] : pairs_) offer(pair, use.count);
  }

  // The next merge; false where no pair is frequent enough.
  bool merge_next() {
    while (!candidates_.empty()) {
      const auto [count, pair] = candidates_.top();
      candidates_.pop();
      const auto found = pairs_.find(pair);
      if (found == pairs_.end()) continue;
      if (found->second.count != count) {  // since it was offered some were merged away
        offer(pair, found->second.count);
        continue;
      }
      const std::vector<uint32_t> words = std::move(found->second.words);
      pairs_.erase(found);
      merge(pair, words);
      return true;
    }
    return false;
  }

  int64_t vocab_size() const { return static_cast<int64_t>(tokens_.size()); }
  std::vector<TokenMerge> take_merges() { return std::move(merges_); }
  uint64_t count_tokens() const {
    uint64_t sum = 0;
    for (const Word& word : words_) sum += word.length * static_cast<uint64_t>(word.count);
    return sum;
  }

 private:
  struct Word {
    uint32_t begin, length;  // in symbols_
    int64_t count;
  };
  struct PairUse {
    int64_t count = 0;
    std::vector<uint32_t> words;  // where it is or was
  };
  struct Candidate {
    int64_t count;
    uint64_t pair;
    bool operator<(const Candidate& other) const {
      return count != other.count ? count < other.count : pair > other.pair;
    }
  };

  void add_word(std::string_view word, int64_t count) {
    uint32_t begin = static_cast<uint32_t>(symbols_.size());
    const auto end_word = [&] {
      const auto end = static_cast<uint32_t>(symbols_.size());
      words_.push_back({begin, end - begin, count});
      begin = end;
    };
    for (size_t offset = 0; offset < word.size();) {
      if (symbols_.size() - begin == kLongWord) end_word();
      const size_t from = offset;
      base::next_code_point(word, offset);
      symbols_.push_back(ids_.at(std::string(word.substr(from, offset - from))));
    }
    end_word();
  }

  void change(uint64_t pair, int64_t by, uint32_t word) {
    PairUse& use = pairs_[pair];
    use.count += by;
    if (by > 0 && (use.words.empty() || use.words.back() != word)) use.words.push_back(word);
  }

  void offer(uint64_t pair, int64_t count) {
    if (count >= min_count_) candidates_.push({count, pair});
  }

  void merge(uint64_t pair, const std::vector<uint32_t>& words) {
    const std::string &left = tokens_[left_of(pair)], &right = tokens_[right_of(pair)];
    merges_.emplace_back(left, right);
    // Runs of one letter may come to the same token in two ways: it keeps its id.
    const auto [entry, is_new] = ids_.try_emplace(left + right, static_cast<Id>(tokens_.size()));
    if (is_new) tokens_.push_back(entry->first);
    std::vector<uint64_t> grown;
    for (const uint32_t word : words) merge_in(word, pair, entry->second, grown);
    std::sort(grown.begin(), grown.end());
    grown.erase(std::unique(grown.begin(), grown.end()), grown.end());
    for (const uint64_t neighbours : grown) offer(neighbours, pairs_.at(neighbours).count);
  }

  void merge_in(uint32_t number, uint64_t pair, Id merged, std::vector<uint64_t>& grown) {
    Word& word = words_[number];
    const auto replace = [&](uint64_t before, uint64_t after) {
      if (before != pair) change(before, -word.count, number);
      change(after, word.count, number);
      grown.push_back(after);
    };
    Id* symbols = &symbols_[word.begin];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < word.length; ++kept) {
      if (i + 1 == word.length || pair_of(symbols[i], symbols[i + 1]) != pair) {
        symbols[kept] = symbols[i++];
        continue;
      }
      if (kept > 0)
        replace(pair_of(symbols[kept - 1], left_of(pair)), pair_of(symbols[kept - 1], merged));
      if (i + 2 < word.length)
        replace(pair_of(right_of(pair), symbols[i + 2]), pair_of(merged, symbols[i + 2]));
      symbols[kept] = merged;
      i += 2;
    }
    word.length = kept;
  }

  int64_t min_count_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, Id> ids_;
  std::vector<Id> symbols_;  // of all words
  std::vector<Word> words_;
  std::unordered_map<uint64_t, PairUse> pairs_;
  std::priority_queue<Candidate> candidates_;
  std::vector<TokenMerge> merges_;
};

}  // namespace

struct WordCounts::Cutter {
  PreTokenizer cut;
};

WordCounts::WordCounts() {
  const nlohmann::json settings = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  cutter_ = std::make_shared<Cutter>(Cutter{make_pre_tokenizer(JsonNode(settings, "words"))});
}

void WordCounts::add(std::string_view text) {
  for (Piece& piece : cutter_->cut({{std::string(text), true}})) {
    const size_t size = piece.text.size();
    const auto [word, is_new] = counts_.try_emplace(std::move(piece.text), 0);
    ++word->second;
    ++total_;
    if (is_new) bytes_ += size;
  }
  if (bytes_ > kMaxWordBytes) {
    throw Error(ErrorKind::unsupported, "the texts", "hold over 32 MiB of different words",
                "take a part of them: merges follow from the frequent words");
  }
}

void check_bpe_options(const BpeOptions& options) {
  if (options.vocab_size < kByteTokenizerSize || options.vocab_size > kMaxVocabulary) {
    throw Error(ErrorKind::config, "vocab_size",
                "is " + std::to_string(options.vocab_size) + ", expected " +
                    std::to_string(kByteTokenizerSize) + " (" +
                    std::to_string(kByteTokenizerSize - 256) +
                    " special tokens and 256 bytes) to " + std::to_string(kMaxVocabulary),
                "512 is enough for a small model");
  }
  if (options.min_count < 1) {
    throw Error(ErrorKind::config, "min_count",
                "is " + std::to_string(options.min_count) + ", expected 1 or more");
  }
}

LearntMerges learn_merges(const WordCounts& words, const BpeOptions& options,
                          const std::function<void(int64_t vocab_size)>& on_merge) {
  check_bpe_options(options);
  Learner learner(words, options.min_count);
  while (learner.vocab_size() < options.vocab_size && learner.merge_next())
    if (on_merge) on_merge(learner.vocab_size());
  return {.merges = learner.take_merges(),
          .vocab_size = learner.vocab_size(),
          .tokens = learner.count_tokens()};
}

}  // namespace koi::text
