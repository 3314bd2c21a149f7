// The tokenizer of a checkpoint: tokenizer.json in the Hugging Face format. Source: the format as
// the `tokenizers` library 0.23 reads it; cases in tests/goldens/text/tokenizer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "koi/base/files.h"

namespace koi::text {

// Whether names of special tokens inside a text ("<|im_end|>") become these tokens.
enum class SpecialTokens {
  plain,  // no: they are spelled out like any text; for whatever a user wrote
  parse,  // yes: for prompts that koi itself writes, and for the reference's behaviour
};

enum class DecodeSpecials { keep, skip };

// A stretch of a prompt; `text` must outlive the call it is passed to.
struct TextPart {
  std::string_view text;
  SpecialTokens specials = SpecialTokens::plain;
};

// Cheap to copy; may be used by several threads at once.
class Tokenizer {
 public:
  // `path` is a tokenizer.json or the checkpoint folder that holds it; tokenizer_config.json beside
  // it is read where it is there. Throws Error(not_found), Error(corrupt) for broken JSON or ids
  // that do not fit together, Error(unsupported) naming what koi does not know. A folder with
  // tokenizer.tiktoken instead is refused as a 1.5 or S1 checkpoint.
  static Tokenizer load(const base::fs::path& path);

  // The ids of `text`; nothing is added at its ends. Throws Error(corrupt) for invalid UTF-8.
  // Differs: the reference always encodes as with SpecialTokens::parse, so that a user's text can
  // end its own turn.
  std::vector<int64_t> encode(std::string_view text,
                              SpecialTokens specials = SpecialTokens::plain) const;

  // The ids of the joined parts, as of one text: parts are not encoded alone. A special token is
  // recognised only where it lies in one `parse` part as a whole.
  std::vector<int64_t> encode(const std::vector<TextPart>& parts) const;

  // Unknown ids vanish; bytes that are not UTF-8 become U+FFFD.
  std::string decode(const std::vector<int64_t>& ids,
                     DecodeSpecials specials = DecodeSpecials::keep) const;

  // The id of a token by its exact name, special or not; nothing where there is none.
  std::optional<int64_t> token_to_id(std::string_view token) const;
  // The same for a token that must be there ("<|semantic|>"): throws Error(corrupt) naming the file
  // and the token.
  int64_t require_id(std::string_view token) const;
  std::optional<std::string> id_to_token(int64_t id) const;

  // One more than the highest id. Of the tokens alone: the model's vocab_size may be larger.
  int64_t vocab_size() const;

  // As tokenizer_config.json says; nothing where it is missing or names none.
  std::optional<int64_t> eos_id() const;
  std::optional<int64_t> pad_id() const;

  class Impl;

 private:
  explicit Tokenizer(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace koi::text
