// Texts of any length: cut into segments that are spoken one by one, each with what was spoken
// before in its prompt. Source: the reference's behaviour, measured; cases "long" in
// tests/goldens/lm/generate.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "koi/speech/generate.h"

namespace koi::speech {

// A recording whose voice is taken on: what is said in it, and its codes.
struct Reference {
  std::string text;
  StoredCodes codes;
};

// One spoken segment of a text.
struct Segment {
  std::string text;
  int64_t prompt_columns = 0;
  StoredCodes codes;  // [K, T]; T 0 where the model ended its turn at once
};

struct LongOptions {
  GenerateOptions generate;
  int64_t chunk_length = 100;    // bytes of UTF-8 in a segment (see text::split_text)
  bool iterative_prompt = true;  // off: the text is one segment
  int64_t max_length = 2048;     // columns that references, history and 1024 new frames share
  text::SpecialTokens specials = text::SpecialTokens::plain;  // see PromptOptions
  // Where what the model computes of references is kept; nothing: nowhere.
  std::optional<KeptBeginnings> kept = std::nullopt;
  // Called before a segment is generated, for each of its frames that speaks with its codes as they
  // are stored (only where generate.constrained), and behind it. Segments have numbers from 0 on;
  // several that are spoken in step take turns. May throw to give up.
  std::function<void(const TokenColumns& prompt)> on_prompt;
  std::function<void(size_t segment, std::span<const int32_t> codes)> on_codes;
  std::function<void(const Segment& segment)> on_segment;
};

// Throws what generate_long throws for the text and the options alone, whatever the model:
// Error(usage) where there is nothing to say in the text or an option is out of its range.
void check_request(std::string_view text, const LongOptions& options);

// Speaks `text` in the voice of `references` (which may be none). As many segments as the speaker
// speaks in step are spoken at once: each has in its prompt the history up to the first of them.
// The speaker has to have twins where options.generate is guided.
// Throws Error(usage) where there is nothing to say in the text, Error(config) before anything runs
// where the references and a segment do not fit into the model's context, and what speak() throws.
// Unconstrained (see GenerateOptions), a frame without codes is an Error(corrupt), as it is the
// reference's "Negative code found".
// Differs, unless unconstrained: a last frame that is not <|im_end|> is kept; an empty segment is
// left out of the history; the history never holds a turn twice. Always: history that leaves no
// room in the model's context for the new frames is left out, where the reference fails.
std::vector<Segment> generate_long(Speaker& speaker, std::string_view text,
                                   const std::vector<Reference>& references,
                                   const LongOptions& options);

// The segments' codes along time.
StoredCodes join_codes(const std::vector<Segment>& segments);

}  // namespace koi::speech
