#include "koi/dataset/alignment.h"

#include <algorithm>
#include <charconv>

#include "koi/base/error.h"
#include "koi/base/utf8.h"

namespace koi::dataset {
namespace {

constexpr size_t kEndsDiffer = 2;  // frames

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorKind::corrupt, where, what,
              "an alignment names for each frame a character of the text, from 1, or 0");
}

// Where the characters begin, and the end.
std::vector<size_t> character_offsets(std::string_view text) {
  std::vector<size_t> offsets;
  for (size_t at = 0; at < text.size(); base::next_code_point(text, at)) offsets.push_back(at);
  offsets.push_back(text.size());
  return offsets;
}

// The byte behind each token. Byte-level tokens are spelled with one character a byte, and special
// ones as they stand in the text.
std::vector<size_t> token_ends(const std::vector<int64_t>& tokens,
                               const text::Tokenizer& tokenizer) {
  std::vector<size_t> ends;
  size_t end = 0;
  for (const int64_t token : tokens) {
    end += character_offsets(tokenizer.id_to_token(token).value_or("")).size() - 1;
    ends.push_back(end);
  }
  return ends;
}

}  // namespace

std::vector<uint32_t> read_alignment(const base::fs::path& path, size_t frames) {
  const std::string text = base::read_file(path);
  std::vector<uint32_t> alignment;
  for (size_t at = text.find_first_not_of(" \t\r\n"); at < text.size();
       at = text.find_first_not_of(" \t\r\n", at)) {
    const size_t end = std::min(text.find_first_of(" \t\r\n", at), text.size());
    uint32_t character = 0;
    const auto [stopped, error] = std::from_chars(&text[at], text.data() + end, character);
    if (error != std::errc() || stopped != text.data() + end)
      refuse(path.string(), "holds \"" + text.substr(at, std::min<size_t>(end - at, 40)) + "\"");
    alignment.push_back(character);
    at = end;
  }
  if (alignment.size() > frames + kEndsDiffer || alignment.size() + kEndsDiffer < frames) {
    refuse(path.string(), "is of " + std::to_string(alignment.size()) + " frames, the codes are " +
                              std::to_string(frames));
  }
  alignment.resize(frames, 0);
  return alignment;
}

std::vector<int64_t> align_tokens(const Turn& turn, const PromptPlace& prompt,
                                  const text::Tokenizer& tokenizer) {
  const std::vector<size_t> ends = token_ends(prompt.tokens, tokenizer);
  std::vector<int64_t> spoken;
  size_t begin = prompt.text_begin;
  for (size_t i = 0; i < turn.texts.size(); ++i) {
    const std::vector<size_t> offsets = character_offsets(turn.texts[i]);
    const std::vector<uint32_t>& alignment = turn.alignments[i];
    const size_t frames = turn.codes[i]->front().size();
    if (!alignment.empty() && alignment.size() != frames) {
      refuse("training sample", "an alignment of " + std::to_string(alignment.size()) +
                                    " frames to " + std::to_string(frames) + " codes");
    }
    for (size_t frame = 0; frame < frames; ++frame) {
      const uint32_t character = alignment.empty() ? 0 : alignment[frame];
      if (character >= offsets.size()) {
        refuse("training sample", "an alignment names character " + std::to_string(character) +
                                      " of a text of " + std::to_string(offsets.size() - 1));
      }
      if (character == 0) {
        spoken.push_back(kIgnoredLabel);
        continue;
      }
      const size_t byte = begin + offsets[character - 1];
      const auto token = std::upper_bound(ends.begin(), ends.end(), byte);
      if (token == ends.end()) {
        throw Error(ErrorKind::unsupported, "tokenizer", "its tokens are not the bytes of the text",
                    "set model.alignment_loss=0");
      }
      spoken.push_back(prompt.tokens[static_cast<size_t>(token - ends.begin())]);
    }
    begin += turn.texts[i].size() + 1;  // the space between two texts
  }
  return spoken;
}

}  // namespace koi::dataset
