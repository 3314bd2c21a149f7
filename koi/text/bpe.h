// Byte-pair encoding (Sennrich et al. 2016) over a vocabulary with ranked merges. Internal to
// koi/text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace koi::text {

class JsonNode;

class Bpe {
 public:
  // The "model" of a tokenizer file. Throws Error(corrupt) for ids that occur twice and for merges
  // of or into tokens that are not in the vocabulary, Error(unsupported) for another type of model
  // and for settings that koi does not know.
  explicit Bpe(const JsonNode& node);

  // Appends the ids of one pre-tokenized piece, in O(n log n). Ids in `banned` never come out,
  // except that of the unknown token: they are spelled out by their parts.
  void encode(std::string_view piece, const std::unordered_set<int64_t>& banned,
              std::vector<int64_t>& ids) const;

  const std::unordered_map<std::string, int64_t>& vocabulary() const { return vocabulary_; }
  std::optional<int64_t> find(const std::string& token) const;

 private:
  struct Merge {
    size_t rank;
    int64_t id;
  };

  void read_merges(const JsonNode& node);
  std::vector<int64_t> initial_symbols(std::string_view piece,
                                       const std::unordered_set<int64_t>& banned) const;
  const Merge* find_merge(int64_t left, int64_t right) const;

  std::unordered_map<std::string, int64_t> vocabulary_;
  std::unordered_map<char32_t, int64_t> characters_;  // tokens of one character
  std::unordered_map<uint64_t, Merge> merges_;        // by left id << 32 | right id
  std::vector<int64_t> byte_tokens_;                  // "<0x00>" to "<0xFF>", -1 where missing
  std::optional<int64_t> unknown_;
  bool fuse_unknown_ = false;
  bool byte_fallback_ = false;
  bool ignore_merges_ = false;
};

}  // namespace koi::text
