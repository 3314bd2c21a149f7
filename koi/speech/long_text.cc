#include "koi/speech/long_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "koi/base/error.h"
#include "koi/text/clean.h"
#include "koi/text/split.h"

namespace koi::speech {
namespace {

constexpr int64_t kReservedFrames = 1024;  // of max_length, for what is generated

std::vector<std::string> to_segments(std::string_view text, const LongOptions& options) {
  if (options.chunk_length < 1) {
    throw Error(ErrorKind::usage, "--chunk-length",
                fmt::format("{} is not positive", options.chunk_length));
  }
  std::vector<std::string> segments;
  if (options.iterative_prompt) {
    segments = text::split_text(text, static_cast<size_t>(options.chunk_length));
  } else if (!text::clean_text(text).empty()) {
    segments.emplace_back(text);
  }
  if (segments.empty()) {
    throw Error(ErrorKind::usage, "--text", "nothing to say is left of it after cleaning",
                "give a text with words");
  }
  return segments;
}

// Whether the model reads what it is to say, and what was said; not: as sounds alone.
enum class Texts { read, left_out };

// Prompts out of the references and of what was said so far.
class History {
 public:
  History(const SpeechModel& speech, const LongOptions& options, Texts texts)
      : speech_(speech),
        options_(options),
        prompt_options_(speech.prompt_options()),
        texts_(texts) {
    prompt_options_.specials = options.specials;
    references_.rows = prompt_options_.num_codebooks + 1;
  }

  TokenColumns encode(std::string_view text, const StoredCodes* codes = nullptr) const {
    return encode_tokens(speech_.tokenizer, texts_ == Texts::read ? text : "", codes,
                         prompt_options_);
  }
  void add_references(const std::vector<Reference>& references) {
    for (const Reference& reference : references)
      references_.append(encode(reference.text, &reference.codes));
  }
  const TokenColumns& references() const { return references_; }
  int64_t reference_columns() const { return references_.columns(); }

  void add_turn(std::string_view text, const TokenColumns& frames) {
    pieces_.push_back(encode(text));
    pieces_.push_back(frames);
  }

  // The prompt for a text behind all turns.
  TokenColumns prompt(std::string_view text) const {
    const TokenColumns last = encode(text);
    TokenColumns result = references_;
    for (const size_t i : window(last.columns()))
      result.append(i < pieces_.size() ? pieces_[i] : last);
    return result;
  }

 private:
  // Pieces in order; the one behind the last is the text of `text_columns`.
  std::vector<size_t> window(int64_t text_columns) const {
    std::vector<int64_t> lengths;
    for (const TokenColumns& piece : pieces_) lengths.push_back(piece.columns());
    lengths.push_back(text_columns);
    std::vector<size_t> chosen =
        context_window(lengths, options_.max_length - kReservedFrames - reference_columns());
    if (options_.generate.constrained && chosen.size() > lengths.size()) {
      chosen.erase(chosen.begin(), chosen.begin() + 2);
    }
    int64_t columns = reference_columns();
    for (const size_t i : chosen) columns += lengths[i];
    while (columns > speech_.context_length() - reserve() && chosen.size() > 1) {
      // The first turn sets the tone and goes last.
      const auto turn = chosen.begin() + (chosen.size() > 3 ? 2 : 0);
      columns -= lengths[turn[0]] + lengths[turn[1]];
      chosen.erase(turn, turn + 2);
    }
    return chosen;
  }

  int64_t reserve() const {
    const int64_t wanted = options_.generate.max_new_tokens;
    return std::min(wanted > 0 ? wanted : kReservedFrames, speech_.context_length() / 2);
  }

  const SpeechModel& speech_;
  const LongOptions& options_;
  PromptOptions prompt_options_;
  Texts texts_;
  TokenColumns references_;
  std::vector<TokenColumns> pieces_;  // text, codes, text, ...
};

// Columns of 1 + K model values -> stored codes [K, T].
StoredCodes to_stored(const TokenColumns& frames) {
  const int64_t frame_count = frames.columns();
  StoredCodes result{{frames.rows - 1, frame_count, {}}, frames.wide};
  result.codes.values.reserve(static_cast<size_t>((frames.rows - 1) * frame_count));
  for (int64_t k = 1; k < frames.rows; ++k) {
    for (int64_t t = 0; t < frame_count; ++t) {
      const int32_t value = frames.column(t)[static_cast<size_t>(k)];
      if (value < 1) {
        throw Error(ErrorKind::corrupt, "generation",
                    fmt::format("frame {} has no speech in it (negative code found)", t),
                    "generate without --unconstrained, or with another seed");
      }
      result.codes.values.push_back(value - 1);
    }
  }
  return result;
}

void check_room(const SpeechModel& speech, const History& history,
                const std::vector<std::string>& texts) {
  for (size_t i = 0; i < texts.size(); ++i) {
    const int64_t columns = history.reference_columns() + history.encode(texts[i]).columns();
    if (columns < speech.context_length()) continue;
    throw Error(ErrorKind::config, fmt::format("segment {} of the text", i + 1),
                fmt::format("{} tokens with its references, the model's context is {}", columns,
                            speech.context_length()),
                "give a shorter text or chunk length, or fewer or shorter references");
  }
}

// The options of generate() that hand frames on to on_codes; prompt 0 is segment `first`.
GenerateOptions with_codes(const LongOptions& options, size_t first) {
  GenerateOptions result = options.generate;
  if (!options.on_codes || !options.generate.constrained) return result;
  result.on_frame = [&options, first](size_t prompt, std::span<const int32_t> frame) {
    if (options.generate.on_frame) options.generate.on_frame(prompt, frame);
    if (frame[1] == 0) return;  // the end
    std::vector<int32_t> codes(frame.begin() + 1, frame.end());
    for (int32_t& code : codes) code -= 1;
    options.on_codes(first + prompt, codes);
  };
  return result;
}

// The frame that is no speech.
void drop_end(TokenColumns& frames, const SpeechModel& speech, const GenerateOptions& options) {
  const bool ended = frames.column(frames.columns() - 1).front() == speech.im_end_id;
  if (ended || !options.constrained)
    frames.values.resize(frames.values.size() - static_cast<size_t>(frames.rows));
}

}  // namespace

void check_request(std::string_view text, const LongOptions& options) {
  check_generation(options.generate);
  to_segments(text, options);
}

std::vector<Segment> generate_long(Speaker& speaker, std::string_view text,
                                   const std::vector<Reference>& references,
                                   const LongOptions& options) {
  check_generation(options.generate);
  const std::vector<std::string> texts = to_segments(text, options);
  History history(speaker.speech(), options, Texts::read);
  History textless(speaker.speech(), options, Texts::left_out);  // for guidance
  history.add_references(references);
  textless.add_references(references);
  check_room(speaker.speech(), history, texts);

  if (options.kept) {
    speaker.begin_with(history.references(), *options.kept);
    if (options.generate.guided())
      speaker.begin_with(textless.references(), *options.kept, /*of_twins=*/true);
  }
  std::vector<Segment> result;
  for (size_t first = 0; first < texts.size(); first += speaker.size()) {
    const size_t count = std::min(speaker.size(), texts.size() - first);
    std::vector<TokenColumns> prompts, without_text;
    for (size_t i = first; i < first + count; ++i) {
      prompts.push_back(history.prompt(texts[i]));
      if (options.generate.guided()) without_text.push_back(textless.prompt(texts[i]));
      if (options.on_prompt) options.on_prompt(prompts.back());
    }
    std::vector<TokenColumns> spoken =
        speaker.speak(prompts, with_codes(options, first), without_text);
    for (size_t i = 0; i < count; ++i) {
      drop_end(spoken[i], speaker.speech(), options.generate);
      result.push_back({texts[first + i], prompts[i].columns(), to_stored(spoken[i])});
      if (options.on_segment) options.on_segment(result.back());
      if (spoken[i].columns() == 0 && options.generate.constrained) continue;
      history.add_turn(texts[first + i], spoken[i]);
      textless.add_turn(texts[first + i], spoken[i]);
    }
  }
  return result;
}

StoredCodes join_codes(const std::vector<Segment>& segments) {
  StoredCodes result;
  for (const Segment& segment : segments) {
    result.codes.codebooks = segment.codes.codes.codebooks;
    result.codes.frames += segment.codes.codes.frames;
    result.wide |= segment.codes.wide;
  }
  for (int64_t k = 0; k < result.codes.codebooks; ++k) {
    for (const Segment& segment : segments) {
      const checkpoint::Codes& codes = segment.codes.codes;
      const auto row = codes.values.begin() + k * codes.frames;
      result.codes.values.insert(result.codes.values.end(), row, row + codes.frames);
    }
  }
  return result;
}

}  // namespace koi::speech
