// Which frame comes next: a main token and a code of each codebook, drawn out of their logits.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "koi/speech/sampling.h"
#include "koi/speech/speech_model.h"

namespace koi::speech {

struct GenerateOptions {
  SamplingOptions sampling;
  // How far codes follow the text (classifier-free guidance): their logits l become
  // u + guidance (l - u), u being those of the same speech without any text. 1: none; 1 to 10.
  double guidance = 1;
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
  // True while another thread of this program needs half of the cores; null: nobody does.
  const std::atomic<bool>* cores_taken = nullptr;
  // Called after each frame, 1 + K values, with the place of its prompt among those that are spoken
  // together. May throw to give up.
  std::function<void(size_t prompt, std::span<const int32_t> frame)> on_frame;

  bool guided() const { return guidance != 1; }
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

// The draws of one sequence. Of each frame first the main token, then the codes in order.
class FrameSampler {
 public:
  // All have to stay.
  FrameSampler(const SpeechModel& speech, const GenerateOptions& options, const Noise& noise);

  // The entries whose logits draw_main() takes; empty: all. The same for all samplers of the same
  // options.
  std::span<const int64_t> main_ids() const { return main_ids_; }
  void draw_main(std::vector<float> logits);
  int32_t draw_code(std::vector<float> logits);

  // Of the frame that was drawn codes become 0 where it does not speak.
  void finish();
  // The frame that was finished last, 1 + K values.
  const std::vector<int32_t>& frame() const { return frame_; }

 private:
  bool may_end() const { return drawn_ >= options_.min_new_tokens; }

  const SpeechModel& speech_;
  const GenerateOptions& options_;
  const Noise& noise_;
  std::vector<int64_t> main_ids_;
  CodeWindow window_;
  std::vector<int32_t> frame_;
  int64_t drawn_ = 0;  // frames
};

}  // namespace koi::speech
