// Conversations as tokens: messages of texts and codes in any order. Source: the reference's
// Message and Conversation, measured; cases in tests/goldens/text/prompt/conversation.json.
// Training of 1.4 does not use them (see sample.h).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "koi/dataset/sample.h"
#include "koi/dataset/shard.h"
#include "koi/text/tokenizer.h"

namespace koi::dataset {

struct Message {
  std::string role;                                        // "user", "assistant", "system"
  std::vector<std::variant<std::string, CodeRows>> parts;  // texts, uncleaned, and codes
  bool add_im_start = true;                                // <|im_start|>ROLE\n in front
  bool add_im_end = true;                                  // <|im_end|> behind
  bool cal_loss = false;             // the message is learnt; else all its labels are ignored
  bool ignore_im_start_loss = true;  // but not what add_im_start puts in front
};

// One codes part: where its tokens begin, the codes + 1, and whether its message is learnt.
struct CodesPart {
  int64_t column = 0;
  CodeRows codes;
  bool require_loss = false;
};

struct EncodedConversation {
  std::vector<int64_t> tokens;  // a codes part is <|semantic|> once a frame
  std::vector<int64_t> labels;  // of the same length
  std::vector<CodesPart> codes;
};

// For training: shifted by one, tokens without the last and labels without the first. Texts and
// roles are encoded part by part as `specials` says. Throws Error(corrupt) for a part whose
// codebooks differ in length.
EncodedConversation encode_conversation(const std::vector<Message>& messages,
                                        const text::Tokenizer& tokenizer,
                                        text::SpecialTokens specials = text::SpecialTokens::plain);

// For generation: [1+K, T], not shifted, the codes + 1 under their semantic tokens, 0 elsewhere.
// Throws Error(corrupt) also where a part has not K codebooks.
TokenMatrix conversation_prompt(const std::vector<Message>& messages, int64_t num_codebooks,
                                const text::Tokenizer& tokenizer,
                                text::SpecialTokens specials = text::SpecialTokens::plain);

}  // namespace koi::dataset
