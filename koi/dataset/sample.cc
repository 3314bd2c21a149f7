#include "koi/dataset/sample.h"

#include <algorithm>

#include "koi/base/error.h"
#include "koi/dataset/alignment.h"

namespace koi::dataset {
namespace {

size_t position(int64_t index) { return static_cast<size_t>(index); }

// Copies `columns` columns of `from`, starting at `from_column`, to `to` at `to_column`.
void copy_columns(const TokenMatrix& from, int64_t from_column, TokenMatrix& to, int64_t to_column,
                  int64_t columns) {
  for (int64_t row = 0; row < to.rows; ++row) {
    const auto begin = from.values.begin() + row * from.columns + from_column;
    std::copy(begin, begin + columns, to.values.begin() + row * to.columns + to_column);
  }
}

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::corrupt, "training sample", what,
              "all recordings need codes of the same codec; run koi extract-vq and koi "
              "build-dataset again");
}

constexpr std::string_view kBeforeText = "<|im_start|>user\n";

std::vector<int64_t> prompt_of(const Turn& turn, const text::Tokenizer& tokenizer) {
  using text::SpecialTokens;
  std::string joined;
  for (size_t i = 0; i < turn.texts.size(); ++i) joined += (i == 0 ? "" : " ") + turn.texts[i];
  const std::string speaker = turn.speaker.value_or("assistant");
  std::vector<text::TextPart> parts = {{kBeforeText, SpecialTokens::parse},
                                       {joined, turn.specials},
                                       {"<|im_end|><|im_start|>", SpecialTokens::parse},
                                       {speaker, turn.specials},
                                       {"\n", SpecialTokens::parse}};
  if (turn.skip_text) parts[1] = {"<|skip_text|>", SpecialTokens::parse};
  return tokenizer.encode(parts);
}

// Checks the codes of a turn and counts their frames.
int64_t count_frames(const Turn& turn, size_t codebooks) {
  int64_t frames = 0;
  for (const CodeRows* codes : turn.codes) {
    if (codes->size() < codebooks) {
      refuse("a sentence has " + std::to_string(codes->size()) + " codebooks, expected " +
             std::to_string(codebooks));
    }
    for (size_t k = 0; k < codebooks; ++k) {
      if ((*codes)[k].size() != codes->front().size())
        refuse("a sentence's codebooks differ in length");
    }
    frames += static_cast<int64_t>(codes->front().size());
  }
  return frames;
}

bool is_aligned(const Sample& sample) { return sample.alignment.rows > 0; }

}  // namespace

TokenMatrix::TokenMatrix(int64_t row_count, int64_t column_count, int64_t fill)
    : rows(row_count), columns(column_count), values(position(row_count * column_count), fill) {}

Sample pack_turn(const Turn& turn, const text::Tokenizer& tokenizer) {
  const size_t codebooks = turn.num_codebooks > 0 ? position(turn.num_codebooks)
                           : turn.codes.empty()   ? 0
                                                  : turn.codes.front()->size();
  if (codebooks == 0) refuse("a sentence has no codes");
  const std::vector<int64_t> prompt = prompt_of(turn, tokenizer);
  const auto prompt_length = static_cast<int64_t>(prompt.size());
  const int64_t frames = count_frames(turn, codebooks);

  // The whole turn [1+K, n], the text's part of the code rows 0.
  TokenMatrix whole(1 + static_cast<int64_t>(codebooks), prompt_length + frames + 1, 0);
  std::copy(prompt.begin(), prompt.end(), whole.values.begin());
  std::fill_n(whole.values.begin() + prompt_length, frames, tokenizer.require_id("<|semantic|>"));
  whole.at(0, whole.columns - 1) = tokenizer.require_id("<|im_end|>");
  int64_t column = prompt_length;
  for (const CodeRows* codes : turn.codes) {
    for (size_t k = 0; k < codebooks; ++k) {
      std::transform((*codes)[k].begin(), (*codes)[k].end(),
                     &whole.at(1 + static_cast<int64_t>(k), column),
                     [](uint32_t code) { return int64_t{code} + 1; });
    }
    column += static_cast<int64_t>(codes->front().size());
  }
  if (turn.skip_text) {
    TokenMatrix ignored(whole.rows, whole.columns, kIgnoredLabel);
    return {std::move(whole), std::move(ignored)};
  }

  const int64_t columns = whole.columns - 1;
  Sample sample{TokenMatrix(whole.rows, columns, 0), TokenMatrix(whole.rows, columns, 0)};
  copy_columns(whole, 0, sample.tokens, 0, columns);
  copy_columns(whole, 1, sample.labels, 0, columns);
  for (int64_t row = turn.learn_text ? 1 : 0; row < whole.rows; ++row) {
    std::fill_n(&sample.labels.at(row, 0), prompt_length - 1, kIgnoredLabel);
  }
  if (!turn.alignments.empty()) {
    const auto spoken = align_tokens(turn, {prompt, kBeforeText.size()}, tokenizer);
    sample.alignment = TokenMatrix(1, columns, kIgnoredLabel);
    std::copy(spoken.begin(), spoken.end(), &sample.alignment.at(0, prompt_length - 1));
  }
  return sample;
}

Sample join_samples(const std::vector<Sample>& samples) {
  const int64_t rows = samples.front().tokens.rows;
  int64_t columns = 0;
  for (const Sample& sample : samples) {
    if (sample.tokens.rows != rows) refuse("its sentences have different numbers of codebooks");
    columns += sample.tokens.columns;
  }
  Sample joined{TokenMatrix(rows, columns, 0), TokenMatrix(rows, columns, 0)};
  if (std::any_of(samples.begin(), samples.end(), is_aligned))
    joined.alignment = TokenMatrix(1, columns, kIgnoredLabel);
  int64_t column = 0;
  for (const Sample& sample : samples) {
    copy_columns(sample.tokens, 0, joined.tokens, column, sample.tokens.columns);
    copy_columns(sample.labels, 0, joined.labels, column, sample.tokens.columns);
    if (is_aligned(sample))
      copy_columns(sample.alignment, 0, joined.alignment, column, sample.tokens.columns);
    column += sample.tokens.columns;
  }
  return joined;
}

Batch collate(const std::vector<Sample>& samples, const CollateOptions& options) {
  if (samples.empty()) throw Error(ErrorKind::internal, "collate", "a batch of no samples");
  Batch batch;
  batch.size = static_cast<int64_t>(samples.size());
  batch.rows = samples.front().tokens.rows;
  for (const Sample& sample : samples) {
    if (sample.tokens.rows != batch.rows)
      refuse("the batch's other samples have another number of codebooks");
    batch.columns = std::max(batch.columns, sample.tokens.columns);
  }
  batch.columns = std::min(batch.columns, options.max_length);

  const size_t size = position(batch.size * batch.columns);
  batch.attention_mask.assign(size, 1);
  batch.tokens.assign(size * position(batch.rows), 0);
  batch.labels.assign(size * position(batch.rows), kIgnoredLabel);
  for (int64_t b = 0; b < batch.size; ++b) {
    const Sample& sample = samples[position(b)];
    const int64_t length = std::min(sample.tokens.columns, batch.columns);
    std::fill_n(&batch.attention_mask[position(b * batch.columns)], length, uint8_t{0});
    for (int64_t row = 0; row < batch.rows; ++row) {
      const int64_t to = (b * batch.rows + row) * batch.columns;
      const int64_t from = row * sample.tokens.columns;
      std::copy_n(sample.tokens.values.begin() + from, length, batch.tokens.begin() + to);
      std::copy_n(sample.labels.values.begin() + from, length, batch.labels.begin() + to);
      if (row == 0)
        std::fill_n(batch.tokens.begin() + to + length, batch.columns - length, options.pad_token);
    }
  }
  return batch;
}

Batch pack_samples(const std::vector<Sample>& samples, int64_t max_length) {
  if (samples.empty()) throw Error(ErrorKind::internal, "pack_samples", "a batch of no samples");
  Batch batch;
  batch.size = 1;
  for (const Sample& sample : samples) {
    batch.segments.push_back(std::min(sample.tokens.columns, max_length));
    batch.columns += batch.segments.back();
  }
  const Sample joined = join_samples(samples);
  batch.rows = joined.tokens.rows;
  batch.attention_mask.assign(position(batch.columns), 0);
  const auto take = [&](const TokenMatrix& from, std::vector<int64_t>& to) {
    for (int64_t row = 0; row < from.rows; ++row) {
      int64_t column = 0;
      for (size_t i = 0; i < samples.size(); ++i) {
        const auto begin = from.values.begin() + row * from.columns + column;
        to.insert(to.end(), begin, begin + batch.segments[i]);
        column += samples[i].tokens.columns;
      }
    }
  };
  take(joined.tokens, batch.tokens);
  take(joined.labels, batch.labels);
  take(joined.alignment, batch.alignment);
  return batch;
}

}  // namespace koi::dataset
