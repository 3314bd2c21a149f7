// Tokens found in the raw text, before any normalizer or merge: specials, and others that were
// added to a vocabulary. Internal to koi/text.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "koi/text/regex.h"

namespace koi::text {

class JsonNode;

struct AddedToken {
  int64_t id = 0;
  std::string content;
  bool single_word = false;  // only where no word character is beside it
  bool lstrip = false;       // takes the white space before it
  bool rstrip = false;       // and behind it
  bool normalized = false;   // is looked for in the normalized text
  bool special = false;
};

// An entry of "added_tokens". Errors as make_normalizer.
AddedToken read_added_token(const JsonNode& node);

// A stretch of a text: one added token, or (without) text between them.
struct Segment {
  Span span;
  std::optional<int64_t> id;
};

// Finds added tokens in a text: from the left, the longest at each place.
class AddedTokenMatcher {
 public:
  // Looks for `needle` as `token`; the first of two equal needles counts.
  void add(const std::string& needle, const AddedToken& token);

  // The text cut into tokens and what lies between, nothing of it empty. `allow` decides about
  // special tokens by their span (white space taken by lstrip and rstrip not included); the others
  // are always taken.
  std::vector<Segment> split(std::string_view text,
                             const std::function<bool(const Span&)>& allow) const;

 private:
  struct Match {
    Span span;
    const AddedToken* token;
  };
  std::optional<Match> longest_at(std::string_view text, size_t begin) const;

  // A trie: nodes are numbers, 0 the root; edges by node << 8 | byte; `ends` is the token that ends
  // in a node.
  std::unordered_map<uint64_t, size_t> edges_;
  std::unordered_map<size_t, AddedToken> ends_;
  size_t nodes_ = 1;
};

}  // namespace koi::text
