#include "koi/speech/prompt.h"

#include <fmt/format.h>

#include <memory>
#include <numeric>

#include "koi/base/error.h"
#include "koi/text/clean.h"

namespace koi::speech {
namespace {

void append_column(TokenColumns& to, int64_t token) {
  to.values.push_back(static_cast<int32_t>(token));
  to.values.resize(to.values.size() + static_cast<size_t>(to.rows - 1), 0);
}

void append_codes(TokenColumns& to, const checkpoint::Codes& codes, int64_t semantic,
                  const PromptOptions& options) {
  if (codes.codebooks < options.num_codebooks) {
    throw Error(
        ErrorKind::corrupt, "prompt codes",
        fmt::format("{} codebooks, the model has {}", codes.codebooks, options.num_codebooks),
        "extract the codes with the codec of this model");
  }
  for (int64_t t = 0; t < codes.frames; ++t) {
    to.values.push_back(static_cast<int32_t>(semantic));
    for (int64_t k = 0; k < options.num_codebooks; ++k) {
      const int32_t code = codes.at(k, t);
      if (code > options.codebook_size - 2) {
        throw Error(ErrorKind::corrupt, "prompt codes",
                    fmt::format("code {} in codebook {}, frame {}, the model's end at {}", code, k,
                                t, options.codebook_size - 2),
                    "extract the codes with the codec of this model");
      }
      to.values.push_back(code + 1);
    }
  }
}

}  // namespace

std::span<const int32_t> TokenColumns::column(int64_t t) const {
  return std::span(values).subspan(static_cast<size_t>(t * rows), static_cast<size_t>(rows));
}

void TokenColumns::append(const TokenColumns& more) {
  if (more.rows != rows) {
    throw Error(ErrorKind::internal, "token columns",
                fmt::format("{} rows and {} rows do not join", rows, more.rows));
  }
  values.insert(values.end(), more.values.begin(), more.values.end());
  wide |= more.wide;
}

StoredCodes read_stored_codes(const base::fs::path& path) {
  checkpoint::TensorView array = checkpoint::read_npy(path);
  if (array.shape.size() == 3 && array.shape[0] == 1) {
    array.shape.erase(array.shape.begin());
    array.strides.erase(array.strides.begin());
  }
  return {checkpoint::to_codes(array, path.string()), array.dtype == checkpoint::DType::i64};
}

void write_stored_codes(const base::fs::path& path, const StoredCodes& codes) {
  if (!codes.wide) return checkpoint::write_codes(path, codes.codes);
  const auto values =
      std::make_shared<std::vector<int64_t>>(codes.codes.values.begin(), codes.codes.values.end());
  const std::string_view bytes(reinterpret_cast<const char*>(values->data()),
                               values->size() * sizeof(int64_t));
  checkpoint::write_npy(path, checkpoint::contiguous_view(
                                  checkpoint::DType::i64,
                                  {codes.codes.codebooks, codes.codes.frames}, bytes, values));
}

TokenColumns encode_tokens(const text::Tokenizer& tokenizer, std::string_view text,
                           const StoredCodes* codes, const PromptOptions& options) {
  const std::string cleaned = text::clean_text(text);
  TokenColumns result{options.num_codebooks + 1, {}, false};
  using enum text::SpecialTokens;
  // In one go, because the tokenizer may join "user\n" with what follows.
  for (const int64_t id : tokenizer.encode({{"<|im_start|>user\n", parse},
                                            {cleaned, options.specials},
                                            {"<|im_end|><|im_start|>assistant\n", parse}})) {
    append_column(result, id);
  }
  if (codes == nullptr) return result;
  append_codes(result, codes->codes, tokenizer.require_id("<|semantic|>"), options);
  append_column(result, tokenizer.require_id("<|im_end|>"));
  result.wide = codes->wide;
  return result;
}

std::vector<size_t> context_window(std::span<const int64_t> lengths, int64_t budget) {
  const size_t count = lengths.size();
  size_t newest = count;  // how many of the newest pieces stay
  int64_t sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const int64_t length = lengths[count - 1 - i];
    sum += length;
    if (sum + length > budget) {
      newest = i > 0 && i % 2 == 0 ? i - 1 : i;
      break;
    }
  }
  std::vector<size_t> window;
  if (newest + 2 < count) {
    window = {0, 1};
    if (newest == 0) newest = count;
  } else {
    newest = count;
  }
  window.resize(window.size() + newest);
  std::iota(window.end() - static_cast<std::ptrdiff_t>(newest), window.end(), count - newest);
  return window;
}

}  // namespace koi::speech
