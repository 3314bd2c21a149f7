#include "koi/text/bpe.h"

#include <fmt/format.h>

#include <queue>

#include "koi/base/utf8.h"
#include "koi/text/json_node.h"

namespace koi::text {
namespace {

uint64_t pair_key(int64_t left, int64_t right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint64_t>(right);
}

// "a b" or ["a", "b"].
std::pair<std::string, std::string> read_pair(const JsonNode& node) {
  if (node.value().is_array()) {
    if (node.value().size() != 2 || !node.value()[0].is_string() || !node.value()[1].is_string())
      node.corrupt("is no pair of tokens");
    return {node.value()[0].get<std::string>(), node.value()[1].get<std::string>()};
  }
  const std::string text = node.as_string();
  const size_t space = text.find(' ');
  if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
    node.corrupt("is no pair of tokens");
  return {text.substr(0, space), text.substr(space + 1)};
}

// A possible merge of the symbol at `position` with the one behind it into `id`.
struct Candidate {
  size_t rank;
  size_t position;
  int64_t id;

  // The queue gives the lowest rank first, then the leftmost.
  bool operator<(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : position > other.position;
  }
};

}  // namespace

Bpe::Bpe(const JsonNode& node) {
  const std::string type = node.string("type", "BPE");
  if (type != "BPE") node.unsupported("the model \"" + type + "\"");
  node.allow_only({"type", "dropout", "unk_token", "continuing_subword_prefix",
                   "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges", "vocab",
                   "merges"});
  if (node.has("dropout") && node.at("dropout").value() != 0) node.unsupported("dropout");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!node.string(key, "").empty()) node.unsupported(key);
  fuse_unknown_ = node.boolean("fuse_unk", false);
  byte_fallback_ = node.boolean("byte_fallback", false);
  ignore_merges_ = node.boolean("ignore_merges", false);

  const JsonNode vocab = node.at("vocab");
  if (!vocab.value().is_object()) vocab.corrupt("is no object");
  std::unordered_set<int64_t> ids;
  for (const auto& [token, value] : vocab.value().items()) {
    const int64_t id = JsonNode(value, node.file(), "model.vocab[\"" + token + "\"]").as_id();
    if (!ids.insert(id).second) vocab.corrupt("gives the id " + std::to_string(id) + " twice");
    vocabulary_.emplace(token, id);
    size_t offset = 0;
    if (token.empty()) continue;
    const char32_t code = base::next_code_point(token, offset);
    if (offset == token.size()) characters_.emplace(code, id);
  }
  for (int byte = 0; byte < 256; ++byte)
    byte_tokens_.push_back(find(fmt::format("<0x{:02X}>", byte)).value_or(-1));
  if (node.has("unk_token")) {
    unknown_ = find(node.string("unk_token"));
    if (!unknown_) node.corrupt("has an unk_token that is not in the vocabulary");
  }
  read_merges(node);
}

void Bpe::read_merges(const JsonNode& node) {
  size_t rank = 0;
  for (const JsonNode& merge : node.items("merges")) {
    const auto [left, right] = read_pair(merge);
    const auto left_id = find(left);
    const auto right_id = find(right);
    const auto merged_id = find(left + right);
    if (!left_id || !right_id || !merged_id)
      merge.corrupt("merges \"" + left + "\" and \"" + right + "\", but not all are tokens");
    merges_.insert_or_assign(pair_key(*left_id, *right_id), Merge{rank++, *merged_id});
  }
}

std::optional<int64_t> Bpe::find(const std::string& token) const {
  const auto found = vocabulary_.find(token);
  if (found == vocabulary_.end()) return {};
  return found->second;
}

const Bpe::Merge* Bpe::find_merge(int64_t left, int64_t right) const {
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

std::vector<int64_t> Bpe::initial_symbols(std::string_view piece,
                                          const std::unordered_set<int64_t>& banned) const {
  std::vector<int64_t> symbols;
  // The unknown token is written when the next known one comes: until then more may be fused in.
  bool unknown_pending = false;
  for (size_t offset = 0; offset < piece.size();) {
    const size_t begin = offset;
    const auto known = characters_.find(base::next_code_point(piece, offset));
    if (known != characters_.end() && !banned.contains(known->second)) {
      if (unknown_pending) symbols.push_back(*unknown_);
      unknown_pending = false;
      symbols.push_back(known->second);
      continue;
    }
    bool fallback = byte_fallback_;
    for (size_t i = begin; i < offset; ++i)
      fallback = fallback && byte_tokens_[static_cast<uint8_t>(piece[i])] >= 0;
    if (fallback) {
      for (size_t i = begin; i < offset; ++i)
        symbols.push_back(byte_tokens_[static_cast<uint8_t>(piece[i])]);
    } else if (unknown_) {
      if (unknown_pending && !fuse_unknown_) symbols.push_back(*unknown_);
      unknown_pending = true;
    }
  }
  if (unknown_pending) symbols.push_back(*unknown_);
  return symbols;
}

void Bpe::encode(std::string_view piece, const std::unordered_set<int64_t>& banned,
                 std::vector<int64_t>& ids) const {
  if (ignore_merges_) {
    const auto whole = find(std::string(piece));
    if (whole && !banned.contains(*whole)) {
      ids.push_back(*whole);
      return;
    }
  }
  // Symbols are a linked list in an array: a merge removes its right symbol. -1 marks removed ones.
  std::vector<int64_t> symbols = initial_symbols(piece, banned);
  const size_t count = symbols.size();
  std::vector<size_t> previous(count);
  std::vector<size_t> next(count);
  std::priority_queue<Candidate> queue;
  const auto offer = [&](size_t left) {
    if (left >= count || next[left] >= count) return;
    const Merge* merge = find_merge(symbols[left], symbols[next[left]]);
    if (merge != nullptr && !banned.contains(merge->id)) queue.push({merge->rank, left, merge->id});
  };
  for (size_t i = 0; i < count; ++i) {
    previous[i] = i == 0 ? count : i - 1;
    next[i] = i + 1;
  }
  for (size_t i = 0; i < count; ++i) offer(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    const size_t left = best.position;
    const size_t right = next[left];
    if (symbols[left] < 0 || right >= count) continue;
    // The symbols may have changed since; another pair may give the same token.
    const Merge* merge = find_merge(symbols[left], symbols[right]);
    if (merge == nullptr || merge->id != best.id) continue;
    symbols[left] = best.id;
    symbols[right] = -1;
    next[left] = next[right];
    if (next[left] < count) previous[next[left]] = left;
    offer(previous[left]);
    offer(left);
  }
  for (const int64_t symbol : symbols)
    if (symbol >= 0) ids.push_back(symbol);
}

}  // namespace koi::text
