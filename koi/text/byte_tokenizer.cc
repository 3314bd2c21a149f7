#include "koi/text/byte_tokenizer.h"

#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_set>

#include "koi/base/utf8.h"
#include "koi/text/byte_level.h"

namespace koi::text {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kSpecials = {"<|begin_of_sequence|>",
                                  "<|end_of_sequence|>",
                                  "<|pad|>",
                                  "<|im_start|>",
                                  "<|im_end|>",
                                  "<|semantic|>",
                                  "<|mel|>",
                                  "<|phoneme_start|>",
                                  "<|phoneme_end|>"};
static_assert(kSpecials.size() + 256 == kByteTokenizerSize);

Json flags_of(const char* content) {
  return {{"content", content},
          {"lstrip", false},
          {"normalized", false},
          {"rstrip", false},
          {"single_word", false}};
}

Json special_token(const char* content) {
  Json token = flags_of(content);
  token["special"] = true;
  return token;
}

Json byte_level(bool add_prefix_space, bool trim_offsets) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", trim_offsets},
          {"use_regex", true}};
}

Json vocabulary(const std::vector<TokenMerge>& merges) {
  Json vocab = Json::object();
  auto& entries = vocab.get_ref<Json::object_t&>();  // looking up a key in it takes linear time
  std::unordered_set<std::string> known;
  const auto add = [&](const std::string& token) {
    if (known.insert(token).second) entries.push_back({token, entries.size()});
  };
  for (const std::string& token : byte_tokenizer_tokens()) add(token);
  for (const auto& [left, right] : merges) add(left + right);
  return vocab;
}

Json tokenizer(const std::vector<TokenMerge>& merges) {
  Json added = Json::array();
  for (size_t id = 0; id < kSpecials.size(); ++id) {
    Json token = {{"id", id}};
    token.update(special_token(kSpecials[id]));
    added.push_back(token);
  }
  Json pairs = Json::array();
  for (const auto& [left, right] : merges) pairs.push_back(Json::array({left, right}));
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level(false, true)},
          {"post_processor", byte_level(true, false)},
          {"decoder", byte_level(true, true)},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", vocabulary(merges)},
            {"merges", pairs}}}};
}

Json config() {
  Json by_id = Json::object();
  for (size_t id = 0; id < kSpecials.size(); ++id)
    by_id[std::to_string(id)] = special_token(kSpecials[id]);
  return {{"added_tokens_decoder", by_id},
          {"bos_token", kSpecials[0]},
          {"clean_up_tokenization_spaces", true},
          {"eos_token", kSpecials[1]},
          {"model_max_length", 1e30},
          {"pad_token", kSpecials[2]},
          {"tokenizer_class", "PreTrainedTokenizerFast"}};
}

Json special_map() {
  return {{"bos_token", flags_of(kSpecials[0])},
          {"eos_token", flags_of(kSpecials[1])},
          {"pad_token", flags_of(kSpecials[2])}};
}

}  // namespace

std::vector<std::string> byte_tokenizer_tokens() {
  std::vector<std::string> tokens(kSpecials.begin(), kSpecials.end());
  std::set<char32_t> characters;  // in the order of their code points, as a trainer numbers them
  for (int byte = 0; byte < 256; ++byte)
    characters.insert(byte_to_char(static_cast<uint8_t>(byte)));
  for (const char32_t code : characters) tokens.push_back(base::to_utf8({&code, 1}));
  return tokens;
}

std::string byte_tokenizer_json(const std::vector<TokenMerge>& merges) {
  return tokenizer(merges).dump(2) + "\n";
}

void write_byte_tokenizer_companions(const base::fs::path& folder) {
  base::write_file(folder / "tokenizer_config.json", config().dump(2) + "\n");
  base::write_file(folder / "special_tokens_map.json", special_map().dump(2) + "\n");
}

void write_byte_tokenizer(const base::fs::path& folder) {
  base::write_file(folder / "tokenizer.json", byte_tokenizer_json({}));
  write_byte_tokenizer_companions(folder);
}

}  // namespace koi::text
