#include "koi/text/install_tokenizer.h"

#include "koi/base/error.h"
#include "koi/text/byte_tokenizer.h"

namespace koi::text {
namespace {

namespace fs = base::fs;

constexpr char kTokenizer[] = "tokenizer.json";
constexpr char kConfig[] = "tokenizer_config.json";
constexpr char kSpecialMap[] = "special_tokens_map.json";

bool has_published_specials(const Tokenizer& tokenizer) {
  const std::vector<std::string> tokens = byte_tokenizer_tokens();
  for (int64_t id = 0; id < kByteTokenizerSize - 256; ++id)
    if (tokenizer.token_to_id(tokens[static_cast<size_t>(id)]) != id) return false;
  return true;
}

bool is_there(const fs::path& path) {
  std::error_code ignored;  // what cannot be looked at is not there
  return fs::exists(path, ignored);
}

}  // namespace

Tokenizer install_tokenizer(const fs::path& from, const fs::path& folder) {
  const Tokenizer tokenizer = Tokenizer::load(from);
  const fs::path file = fs::is_directory(from) ? from / kTokenizer : from;
  for (const char* token : {"<|im_start|>", "<|im_end|>", "<|semantic|>"})
    tokenizer.require_id(token);
  base::write_file(folder / kTokenizer, base::read_file(file));
  const fs::path beside = file.parent_path();
  if (is_there(beside / kConfig)) {
    for (const char* name : {kConfig, kSpecialMap})
      if (is_there(beside / name)) base::write_file(folder / name, base::read_file(beside / name));
  } else if (has_published_specials(tokenizer)) {
    write_byte_tokenizer_companions(folder);
  }
  const Tokenizer installed = Tokenizer::load(folder);
  if (!installed.eos_id()) {
    throw Error(ErrorKind::corrupt, file.string(),
                "no tokenizer_config.json beside it names its eos_token",
                "copy the one that belongs to it there");
  }
  return installed;
}

}  // namespace koi::text
