#include "koi/dataset/conversation.h"

#include <algorithm>

#include "koi/base/error.h"

namespace koi::dataset {
namespace {

// Tokens and labels of the same length, nothing shifted.
class Encoder {
 public:
  Encoder(const text::Tokenizer& tokenizer, text::SpecialTokens specials)
      : tokenizer_(tokenizer), specials_(specials) {}

  void add(const Message& message) {
    if (message.add_im_start) {
      add_tokens(tokenizer_.encode({{"<|im_start|>", text::SpecialTokens::parse},
                                    {message.role, specials_},
                                    {"\n", specials_}}),
                 message.cal_loss && !message.ignore_im_start_loss);
    }
    for (const auto& part : message.parts) {
      if (const auto* text = std::get_if<std::string>(&part)) {
        add_tokens(tokenizer_.encode(*text, specials_), message.cal_loss);
      } else {
        add_codes(std::get<CodeRows>(part), message.cal_loss);
      }
    }
    if (message.add_im_end) add_tokens({tokenizer_.require_id("<|im_end|>")}, message.cal_loss);
  }

  EncodedConversation take() { return std::move(encoded_); }

 private:
  void add_tokens(const std::vector<int64_t>& tokens, bool learnt) {
    encoded_.tokens.insert(encoded_.tokens.end(), tokens.begin(), tokens.end());
    if (learnt) {
      encoded_.labels.insert(encoded_.labels.end(), tokens.begin(), tokens.end());
    } else {
      encoded_.labels.resize(encoded_.tokens.size(), kIgnoredLabel);
    }
  }

  void add_codes(CodeRows codes, bool learnt) {
    const size_t frames = codes.empty() ? 0 : codes.front().size();
    for (std::vector<uint32_t>& row : codes) {
      if (row.size() != frames)
        throw Error(ErrorKind::corrupt, "conversation", "a part's codebooks differ in length");
      for (uint32_t& code : row) ++code;
    }
    const auto column = static_cast<int64_t>(encoded_.tokens.size());
    const int64_t semantic = tokenizer_.require_id("<|semantic|>");
    add_tokens(std::vector<int64_t>(frames, semantic), learnt);
    encoded_.codes.push_back({column, std::move(codes), learnt});
  }

  const text::Tokenizer& tokenizer_;
  text::SpecialTokens specials_;
  EncodedConversation encoded_;
};

EncodedConversation encode_whole(const std::vector<Message>& messages,
                                 const text::Tokenizer& tokenizer, text::SpecialTokens specials) {
  Encoder encoder(tokenizer, specials);
  for (const Message& message : messages) encoder.add(message);
  return encoder.take();
}

}  // namespace

EncodedConversation encode_conversation(const std::vector<Message>& messages,
                                        const text::Tokenizer& tokenizer,
                                        text::SpecialTokens specials) {
  EncodedConversation encoded = encode_whole(messages, tokenizer, specials);
  if (encoded.tokens.empty()) return encoded;
  encoded.tokens.pop_back();
  encoded.labels.erase(encoded.labels.begin());
  return encoded;
}

TokenMatrix conversation_prompt(const std::vector<Message>& messages, int64_t num_codebooks,
                                const text::Tokenizer& tokenizer, text::SpecialTokens specials) {
  const EncodedConversation encoded = encode_whole(messages, tokenizer, specials);
  TokenMatrix prompt(1 + num_codebooks, static_cast<int64_t>(encoded.tokens.size()), 0);
  std::copy(encoded.tokens.begin(), encoded.tokens.end(), prompt.values.begin());
  for (const CodesPart& part : encoded.codes) {
    if (static_cast<int64_t>(part.codes.size()) != num_codebooks) {
      throw Error(ErrorKind::corrupt, "conversation",
                  "a part has " + std::to_string(part.codes.size()) + " codebooks, expected " +
                      std::to_string(num_codebooks));
    }
    for (int64_t k = 0; k < num_codebooks; ++k) {
      const std::vector<uint32_t>& row = part.codes[static_cast<size_t>(k)];
      const int64_t at = (1 + k) * prompt.columns + part.column;
      std::copy(row.begin(), row.end(), prompt.values.begin() + at);
    }
  }
  return prompt;
}

}  // namespace koi::dataset
