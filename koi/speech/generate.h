// The generation loop: one prompt in, frames out, token by token. Source: the reference's
// behaviour, measured; cases in tests/goldens/lm/generate.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "koi/speech/prompt.h"
#include "koi/speech/sampling.h"
#include "koi/speech/speech_model.h"

namespace koi::speech {

struct GenerateOptions {
  SamplingOptions sampling;
  // Frames at most, the one with <|im_end|> included; 0, or more than the context holds: as many
  // as fit.
  int64_t max_new_tokens = 0;
  // <|im_end|> is not drawn for this many frames: for benchmarks, and for voices that stop too
  // soon.
  int64_t min_new_tokens = 0;
  // Only what can be spoken is drawn: main tokens <|semantic|> and <|im_end|>, codes 1 ..
  // last_spoken_code. Off: every entry, as in the reference, where <|im_end|> right
  // behind the prompt does not end the speech.
  bool constrained = true;
  // Called after each frame with the number of frames so far. May throw to give up.
  std::function<void(int64_t frames)> on_frame;
};

// Throws Error(usage) naming the option that is out of its range.
void check_generation(const GenerateOptions& options);

// The codes that the repetition penalty sees: of each codebook those of the last 16 frames, 0 where
// there are fewer. The first frame behind the prompt is neither penalised nor in it.
class CodeWindow {
 public:
  static constexpr int64_t kFrames = 16;

  explicit CodeWindow(int64_t num_codebooks);
  std::span<const int64_t> codebook(int64_t k) const;
  void push(std::span<const int32_t> codes);  // of one frame, num_codebooks values

 private:
  std::vector<int64_t> values_;  // [codebook][frame], oldest first
  int64_t filled_ = 0;
};

// torch's own draws: at::Tensor::exponential_ with a CPU generator of this seed. The reference's,
// on the same build of libtorch only.
Noise torch_noise(uint64_t seed);

// The frames behind `prompt` (columns of 1 + K values). The last one has the main token <|im_end|>
// and codes 0 where the speech came to its end; otherwise max_new_tokens or the context ended it.
// Noise is drawn for each frame for the main token first, then for the codebooks.
// Before anything runs throws Error(usage) for impossible options, Error(config) where the prompt
// leaves no room for a frame, Error(corrupt) for tokens or codes that the model does not have.
// Throws base::Interrupted at the next frame when base::stop_requested().
TokenColumns generate(const SpeechModel& speech, const TokenColumns& prompt,
                      const GenerateOptions& options, const Noise& noise);

}  // namespace koi::speech
