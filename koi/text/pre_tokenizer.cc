#include "koi/text/pre_tokenizer.h"

#include "koi/base/utf8.h"
#include "koi/text/byte_level.h"
#include "koi/text/json_node.h"
#include "koi/text/sequence.h"
#include "koi/text/unicode.h"

namespace koi::text {
namespace {

// GPT-2's: contractions, then words, numbers and symbols each with one space before, then spaces.
constexpr char kGpt2Pattern[] =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// What becomes of the matches (the delimiters) of a split.
enum class Behavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

Behavior behavior_of(const std::string& name, const JsonNode& node) {
  if (name == "Removed") return Behavior::removed;
  if (name == "Isolated") return Behavior::isolated;
  if (name == "MergedWithPrevious") return Behavior::merged_with_previous;
  if (name == "MergedWithNext") return Behavior::merged_with_next;
  if (name == "Contiguous") return Behavior::contiguous;
  node.unsupported("the behavior \"" + name + "\"");
}

struct Cut {
  Span span;
  bool match;
};

// The matches and what lies between them.
std::vector<Cut> with_gaps(const std::vector<Span>& matches, size_t size) {
  std::vector<Cut> cuts;
  size_t end = 0;
  for (const Span& match : matches) {
    if (match.begin > end) cuts.push_back({{end, match.begin}, false});
    cuts.push_back({match, true});
    end = match.end;
  }
  if (end < size) cuts.push_back({{end, size}, false});
  return cuts;
}

// Whether `next` is joined to `previous`, the cut before it.
bool joins(Behavior behavior, const Cut& previous, const Cut& next) {
  switch (behavior) {
    case Behavior::merged_with_previous:
      return next.match && !previous.match;
    case Behavior::merged_with_next:
      return previous.match && !next.match;
    case Behavior::contiguous:
      return previous.match == next.match;
    case Behavior::removed:
    case Behavior::isolated:
      return false;
  }
  return false;
}

void split_piece(const Piece& piece, const std::vector<Cut>& cuts, Behavior behavior,
                 std::vector<Piece>& out) {
  const size_t before = out.size();
  for (size_t i = 0; i < cuts.size(); ++i) {
    const auto [begin, end] = cuts[i].span;
    if (behavior == Behavior::removed && cuts[i].match) continue;
    if (out.size() > before && joins(behavior, cuts[i - 1], cuts[i])) {
      out.back().text.append(piece.text, begin, end - begin);
    } else {
      out.push_back({piece.text.substr(begin, end - begin), piece.first && begin == 0});
    }
  }
}

using FindAll = std::function<std::vector<Span>(std::string_view)>;

PreTokenizer split(FindAll find_all, Behavior behavior, bool invert = false) {
  return [=](const std::vector<Piece>& pieces) {
    std::vector<Piece> out;
    for (const Piece& piece : pieces) {
      std::vector<Cut> cuts = with_gaps(find_all(piece.text), piece.text.size());
      if (invert)
        for (Cut& cut : cuts) cut.match = !cut.match;
      split_piece(piece, cuts, behavior, out);
    }
    return out;
  };
}

// Every character of a class is a match.
FindAll characters(bool (*in_class)(char32_t)) {
  return [in_class](std::string_view text) {
    std::vector<Span> found;
    for (size_t offset = 0; offset < text.size();) {
      const size_t begin = offset;
      if (in_class(base::next_code_point(text, offset))) found.push_back({begin, offset});
    }
    return found;
  };
}

PreTokenizer make_byte_level(const JsonNode& node) {
  node.allow_only({"type", "add_prefix_space", "trim_offsets", "use_regex"});
  const bool prefix_space = node.boolean("add_prefix_space", true);
  PreTokenizer cut;
  if (node.boolean("use_regex", true)) {
    cut = split([regex = Regex(kGpt2Pattern, node.where())](
                    std::string_view text) { return regex.find_all(text); },
                Behavior::isolated);
  }
  return [=](std::vector<Piece> pieces) {
    for (Piece& piece : pieces) {
      if (prefix_space && !piece.text.starts_with(' ')) piece.text.insert(0, 1, ' ');
    }
    if (cut) pieces = cut(std::move(pieces));
    for (Piece& piece : pieces) piece.text = bytes_to_chars(piece.text);
    return pieces;
  };
}

FindAll finder(const Pattern& pattern) {
  return [pattern](std::string_view text) { return pattern.find_all(text); };
}

PreTokenizer make_metaspace(const JsonNode& node) {
  const std::string scheme = metaspace_scheme(node);
  const std::string mark = node.string("replacement");
  PreTokenizer cut;
  if (node.boolean("split", true)) cut = split(finder(Pattern(mark)), Behavior::merged_with_next);
  return [=, space = Pattern(" ")](std::vector<Piece> pieces) {
    for (Piece& piece : pieces) {
      piece.text = space.replace_all(piece.text, mark);
      const bool prepends = scheme == "always" || (scheme == "first" && piece.first);
      if (prepends && !piece.text.starts_with(mark)) piece.text.insert(0, mark);
    }
    return cut ? cut(std::move(pieces)) : pieces;
  };
}

PreTokenizer make(const JsonNode& node, int depth) {
  const std::string type = node.string("type");
  if (type == "Sequence") {
    return [parts = make_sequence(node, "pretokenizers", depth, make)](std::vector<Piece> pieces) {
      for (const PreTokenizer& part : parts) pieces = part(std::move(pieces));
      return pieces;
    };
  }
  if (type == "ByteLevel") return make_byte_level(node);
  if (type == "Metaspace") {
    // In a sequence other parts may already have put something before the text.
    if (depth > 0 && depends_on_text_start(node)) node.unsupported("\"first\" in a Sequence");
    return make_metaspace(node);
  }
  if (type == "Split") {
    node.allow_only({"type", "pattern", "behavior", "invert"});
    return split(finder(Pattern(node.at("pattern"))), behavior_of(node.string("behavior"), node),
                 node.boolean("invert", false));
  }
  if (type == "Digits") {
    node.allow_only({"type", "individual_digits"});
    return split(characters(is_numeric), node.boolean("individual_digits", false)
                                             ? Behavior::isolated
                                             : Behavior::contiguous);
  }
  if (type == "Punctuation") {
    node.allow_only({"type", "behavior"});
    return split(characters(is_punctuation),
                 behavior_of(node.string("behavior", "Isolated"), node));
  }
  node.unsupported("the pre-tokenizer \"" + type + "\"");
}

}  // namespace

bool depends_on_text_start(const JsonNode& node) {
  return node.string("type") == "Metaspace" && metaspace_scheme(node) == "first";
}

PreTokenizer make_pre_tokenizer(const JsonNode& node) { return make(node, 0); }

std::string metaspace_scheme(const JsonNode& node) {
  node.allow_only(
      {"type", "replacement", "str_rep", "add_prefix_space", "prepend_scheme", "split"});
  const bool prepends = node.boolean("add_prefix_space", true);  // how older files say it
  std::string scheme = node.string("prepend_scheme", prepends ? "always" : "never");
  if (scheme != "always" && scheme != "first" && scheme != "never")
    node.unsupported("the prepend_scheme \"" + scheme + "\"");
  if (!prepends && scheme != "never")
    node.corrupt("has add_prefix_space false and the prepend_scheme \"" + scheme + "\"");
  size_t offset = 0;
  const std::string mark = node.string("replacement");
  if (mark.empty() || (base::next_code_point(mark, offset), offset != mark.size()))
    node.corrupt("has a replacement that is not one character");
  return scheme;
}

}  // namespace koi::text
