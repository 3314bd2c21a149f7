#include "koi/text/tokenizer.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "koi/base/error.h"
#include "koi/base/utf8.h"
#include "koi/text/added_tokens.h"
#include "koi/text/bpe.h"
#include "koi/text/decoder.h"
#include "koi/text/json_node.h"
#include "koi/text/normalizer.h"
#include "koi/text/pre_tokenizer.h"

namespace koi::text {
namespace {

namespace fs = base::fs;

constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20;

nlohmann::json parse_file(const fs::path& path) {
  try {
    return nlohmann::json::parse(base::read_file(path, kMaxFileBytes));
  } catch (const nlohmann::json::exception& error) {
    // What the parser quotes may be as long as the file.
    throw Error(ErrorKind::corrupt, path.string(),
                "is no JSON: " + std::string(error.what()).substr(0, 200));
  }
}

// Which stretches of a text may yield special tokens.
class TrustedSpans {
 public:
  explicit TrustedSpans(const std::vector<TextPart>& parts) {
    size_t end = 0;
    for (const TextPart& part : parts) {
      const size_t begin = end;
      end += part.text.size();
      if (part.specials == SpecialTokens::parse) spans_.push_back({begin, end});
    }
  }

  bool contains(const Span& span) const {
    // The last trusted span that begins at or before `span`.
    auto behind = std::upper_bound(spans_.begin(), spans_.end(), span.begin,
                                   [](size_t begin, const Span& s) { return begin < s.begin; });
    return behind != spans_.begin() && span.end <= (--behind)->end;
  }

 private:
  std::vector<Span> spans_;
};

// A normalizer that may move the start of the text does not go with one that asks for it.
void check_text_start(const JsonNode& root) {
  if (!root.has("normalizer") || !root.has("pre_tokenizer")) return;
  const std::string normalizer = root.at("normalizer").string("type");
  const JsonNode pre_tokenizer = root.at("pre_tokenizer");
  if (depends_on_text_start(pre_tokenizer) && !normalizer.starts_with("NF"))
    pre_tokenizer.unsupported("\"first\" behind the normalizer \"" + normalizer + "\"");
}

}  // namespace

class Tokenizer::Impl {
 public:
  explicit Impl(const fs::path& file);
  void read_config(const fs::path& path);

  std::vector<int64_t> encode(const std::vector<TextPart>& parts) const;
  std::string decode(const std::vector<int64_t>& ids, DecodeSpecials specials) const;

  const std::string& file() const { return file_; }
  const std::unordered_map<std::string, int64_t>& ids() const { return ids_; }
  const std::unordered_map<int64_t, std::string>& tokens() const { return tokens_; }
  int64_t vocab_size() const { return vocab_size_; }
  std::optional<int64_t> eos_id, pad_id;

 private:
  Impl(const std::string& file, const nlohmann::json& json);
  Impl(const std::string& file, const JsonNode& root);
  void add(const std::string& token, int64_t id, const JsonNode& node);
  void add_added_token(const JsonNode& node);
  void encode_stretch(std::string_view text, bool first, bool trusted,
                      std::vector<int64_t>& ids) const;

  std::string file_;
  Bpe model_;
  Normalizer normalizer_;       // may be empty
  PreTokenizer pre_tokenizer_;  // may be empty
  Decoder decoder_;             // may be empty
  AddedTokenMatcher raw_matcher_;
  AddedTokenMatcher normalized_matcher_;
  std::unordered_map<std::string, int64_t> ids_;
  std::unordered_map<int64_t, std::string> tokens_;
  std::unordered_map<int64_t, std::string> spellings_;  // what is decoded, where not the name
  std::unordered_set<int64_t> specials_;
  int64_t vocab_size_ = 0;
};

Tokenizer::Impl::Impl(const fs::path& file) : Impl(file.string(), parse_file(file)) {}

Tokenizer::Impl::Impl(const std::string& file, const nlohmann::json& json)
    : Impl(file, JsonNode(json, file)) {}

Tokenizer::Impl::Impl(const std::string& file, const JsonNode& root)
    : file_(file), model_(root.at("model")) {
  // Truncation, padding and what the post-processor adds play no part: the reference always asks
  // for neither.
  root.allow_only({"version", "truncation", "padding", "added_tokens", "normalizer",
                   "pre_tokenizer", "post_processor", "decoder", "model"});
  if (root.string("version", "1.0") != "1.0") root.at("version").unsupported("this version");
  if (root.has("normalizer")) normalizer_ = make_normalizer(root.at("normalizer"));
  if (root.has("pre_tokenizer")) pre_tokenizer_ = make_pre_tokenizer(root.at("pre_tokenizer"));
  if (root.has("decoder")) decoder_ = make_decoder(root.at("decoder"));
  check_text_start(root);
  for (const auto& [token, id] : model_.vocabulary()) add(token, id, root.at("model"));
  if (!root.has("added_tokens")) return;
  for (const JsonNode& node : root.items("added_tokens")) add_added_token(node);
}

void Tokenizer::Impl::add(const std::string& token, int64_t id, const JsonNode& node) {
  const auto [by_token, new_token] = ids_.try_emplace(token, id);
  const auto [by_id, new_id] = tokens_.try_emplace(id, token);
  if (by_token->second != id || by_id->second != token) {
    node.corrupt("gives the id " + std::to_string(id) + " to \"" + token + "\", but \"" +
                 by_id->second + "\" has " + std::to_string(by_token->second));
  }
  vocab_size_ = std::max(vocab_size_, id + 1);
}

void Tokenizer::Impl::add_added_token(const JsonNode& node) {
  const AddedToken token = read_added_token(node);
  add(token.content, token.id, node);
  if (token.special) specials_.insert(token.id);
  if (!token.normalized) {
    raw_matcher_.add(token.content, token);
    return;
  }
  const std::string normal = normalizer_ ? normalizer_(token.content) : token.content;
  normalized_matcher_.add(normal, token);
  if (normal != token.content) spellings_[token.id] = normal;
}

void Tokenizer::Impl::read_config(const fs::path& path) {
  const nlohmann::json json = parse_file(path);
  const JsonNode root(json, path.string());
  const auto id_of = [&](const std::string& key) -> std::optional<int64_t> {
    if (!root.has(key)) return {};
    const JsonNode node = root.at(key);
    const std::string token = node.value().is_object() ? node.string("content") : node.as_string();
    const auto found = ids_.find(token);
    if (found == ids_.end()) node.corrupt("names \"" + token + "\", which is no token of " + file_);
    return found->second;
  };
  eos_id = id_of("eos_token");
  pad_id = id_of("pad_token");
}

std::vector<int64_t> Tokenizer::Impl::encode(const std::vector<TextPart>& parts) const {
  std::string text;
  for (const TextPart& part : parts) text += part.text;
  if (!base::is_valid_utf8(text)) base::to_utf32(text, "text");  // throws, naming the byte
  const TrustedSpans trusted(parts);
  std::vector<int64_t> ids;
  const auto allow = [&](const Span& span) { return trusted.contains(span); };
  for (const Segment& segment : raw_matcher_.split(text, allow)) {
    const auto& [span, id] = segment;
    if (id) {
      ids.push_back(*id);
    } else {
      encode_stretch(std::string_view(text).substr(span.begin, span.end - span.begin),
                     span.begin == 0, trusted.contains(span), ids);
    }
  }
  return ids;
}

// A stretch between two non-normalized added tokens; `first` where it begins the whole text.
void Tokenizer::Impl::encode_stretch(std::string_view text, bool first, bool trusted,
                                     std::vector<int64_t>& ids) const {
  static const std::unordered_set<int64_t> kNone;
  const std::string normal = normalizer_ ? normalizer_(std::string(text)) : std::string(text);
  const auto allow = [&](const Span&) { return trusted; };
  for (const Segment& segment : normalized_matcher_.split(normal, allow)) {
    const auto& [span, id] = segment;
    if (id) {
      ids.push_back(*id);
      continue;
    }
    std::vector<Piece> pieces{
        {normal.substr(span.begin, span.end - span.begin), first && span.begin == 0}};
    if (pre_tokenizer_) pieces = pre_tokenizer_(std::move(pieces));
    for (const Piece& piece : pieces) model_.encode(piece.text, trusted ? kNone : specials_, ids);
  }
}

std::string Tokenizer::Impl::decode(const std::vector<int64_t>& ids,
                                    DecodeSpecials specials) const {
  std::vector<std::string> tokens;
  for (const int64_t id : ids) {
    const auto found = tokens_.find(id);
    const bool skipped = specials == DecodeSpecials::skip && specials_.contains(id);
    if (found == tokens_.end() || skipped) continue;
    const auto normal = spellings_.find(id);
    tokens.push_back(normal == spellings_.end() ? found->second : normal->second);
  }
  // Without a decoder the tokens stand apart, as in the `tokenizers` library.
  const std::string separator = decoder_ ? "" : " ";
  if (decoder_) tokens = decoder_(std::move(tokens));
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) text += (i == 0 ? "" : separator) + tokens[i];
  return text;
}

Tokenizer::Tokenizer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Tokenizer Tokenizer::load(const fs::path& path) {
  std::error_code ignored;  // what cannot be looked at is reported when it is read
  const bool is_folder = fs::is_directory(path, ignored);
  const fs::path folder = is_folder ? path : path.parent_path();
  const fs::path file = is_folder ? path / "tokenizer.json" : path;
  const bool tiktoken = fs::exists(path / "tokenizer.tiktoken", ignored);
  if (is_folder && !fs::exists(file, ignored) && tiktoken) {
    throw Error(ErrorKind::unsupported, path.string(),
                "has a tokenizer.tiktoken and no tokenizer.json: this is a fish-speech 1.5 or S1 "
                "checkpoint, which koi does not support",
                "use a fish-speech 1.4 (or 1.2) checkpoint");
  }
  const auto impl = std::make_shared<Impl>(file);
  const fs::path config = folder / "tokenizer_config.json";
  if (fs::exists(config, ignored)) impl->read_config(config);
  return Tokenizer(impl);
}

std::vector<int64_t> Tokenizer::encode(std::string_view text, SpecialTokens specials) const {
  return impl_->encode({{text, specials}});
}

std::vector<int64_t> Tokenizer::encode(const std::vector<TextPart>& parts) const {
  return impl_->encode(parts);
}

std::string Tokenizer::decode(const std::vector<int64_t>& ids, DecodeSpecials specials) const {
  return impl_->decode(ids, specials);
}

std::optional<int64_t> Tokenizer::token_to_id(std::string_view token) const {
  const auto found = impl_->ids().find(std::string(token));
  if (found == impl_->ids().end()) return {};
  return found->second;
}

int64_t Tokenizer::require_id(std::string_view token) const {
  const auto id = token_to_id(token);
  if (id) return *id;
  throw Error(ErrorKind::corrupt, impl_->file(), "has no token \"" + std::string(token) + "\"",
              "use a checkpoint of fish-speech 1.4 with its own tokenizer");
}

std::optional<std::string> Tokenizer::id_to_token(int64_t id) const {
  const auto found = impl_->tokens().find(id);
  if (found == impl_->tokens().end()) return {};
  return found->second;
}

int64_t Tokenizer::vocab_size() const { return impl_->vocab_size(); }
std::optional<int64_t> Tokenizer::eos_id() const { return impl_->eos_id; }
std::optional<int64_t> Tokenizer::pad_id() const { return impl_->pad_id; }

}  // namespace koi::text
