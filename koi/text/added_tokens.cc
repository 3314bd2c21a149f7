#include "koi/text/added_tokens.h"

#include <algorithm>

#include "koi/base/utf8.h"
#include "koi/text/json_node.h"
#include "koi/text/unicode.h"

namespace koi::text {
namespace {

uint64_t edge(size_t node, char byte) {
  return static_cast<uint64_t>(node) << 8 | static_cast<uint8_t>(byte);
}

// The beginning of the character that ends at `end` (> 0).
size_t previous_character(std::string_view text, size_t end) {
  do --end;
  while ((static_cast<uint8_t>(text[end]) & 0xC0U) == 0x80U);
  return end;
}

bool word_before(std::string_view text, size_t end) {
  if (end == 0) return false;
  size_t offset = previous_character(text, end);
  return is_word(base::next_code_point(text, offset));
}

bool word_behind(std::string_view text, size_t begin) {
  return begin < text.size() && is_word(base::next_code_point(text, begin));
}

size_t space_before(std::string_view text, size_t end, size_t limit) {
  while (end > limit) {
    const size_t begin = previous_character(text, end);
    size_t offset = begin;
    if (!is_white_space(base::next_code_point(text, offset))) break;
    end = begin;
  }
  return end;
}

size_t space_behind(std::string_view text, size_t begin) {
  for (size_t offset = begin; offset < text.size(); begin = offset)
    if (!is_white_space(base::next_code_point(text, offset))) break;
  return begin;
}

}  // namespace

AddedToken read_added_token(const JsonNode& node) {
  node.allow_only({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
  AddedToken token;
  token.id = node.at("id").as_id();
  token.content = node.string("content");
  if (token.content.empty()) node.corrupt("is an empty token");
  token.single_word = node.boolean("single_word", false);
  token.lstrip = node.boolean("lstrip", false);
  token.rstrip = node.boolean("rstrip", false);
  token.special = node.boolean("special", false);
  token.normalized = node.boolean("normalized", !token.special);
  return token;
}

void AddedTokenMatcher::add(const std::string& needle, const AddedToken& token) {
  if (needle.empty()) return;  // normalized away: it can never be found
  size_t node = 0;
  for (const char byte : needle) {
    const auto [found, added] = edges_.try_emplace(edge(node, byte), nodes_);
    if (added) ++nodes_;
    node = found->second;
  }
  ends_.try_emplace(node, token);
}

std::optional<AddedTokenMatcher::Match> AddedTokenMatcher::longest_at(std::string_view text,
                                                                      size_t begin) const {
  std::optional<Match> longest;
  size_t node = 0;
  for (size_t i = begin; i < text.size(); ++i) {
    const auto next = edges_.find(edge(node, text[i]));
    if (next == edges_.end()) break;
    node = next->second;
    const auto end = ends_.find(node);
    if (end != ends_.end()) longest = Match{{begin, i + 1}, &end->second};
  }
  return longest;
}

std::vector<Segment> AddedTokenMatcher::split(std::string_view text,
                                              const std::function<bool(const Span&)>& allow) const {
  std::vector<Segment> segments;
  size_t done = 0;
  for (size_t i = 0; i < text.size();) {
    const auto match = longest_at(text, i);
    if (!match) {
      ++i;
      continue;
    }
    auto [begin, end] = match->span;
    const AddedToken& token = *match->token;
    // A match that is not taken hides others inside of it all the same; one that took white space
    // hides nothing in that.
    i = end;
    if (token.special && !allow(match->span)) continue;
    if (token.single_word && (word_before(text, begin) || word_behind(text, end))) continue;
    if (token.lstrip) begin = std::max(done, space_before(text, begin, std::min(done, begin)));
    if (token.rstrip) end = space_behind(text, end);
    if (begin > done) segments.push_back({{done, begin}, {}});
    if (end > begin) segments.push_back({{begin, end}, token.id});
    done = end;
  }
  if (done < text.size()) segments.push_back({{done, text.size()}, {}});
  return segments;
}

}  // namespace koi::text
