// Frames that are drawn where the model lies, without waiting for them: the device makes some
// frames more than the host has seen. Whether a speech has ended the host finds out late, and what
// was made behind its end is left out; what it holds is that of HostFrames.
#pragma once

#include <deque>
#include <optional>

#include "koi/speech/frames.h"
#include "koi/speech/tensor_steps.h"
#include "koi/tensor/transfer.h"
#include "koi/tensor/work_graphs.h"

namespace koi::speech {

// A sequence's noise, drawn before it is known whether there is a frame that takes it.
class NoiseAhead {
 public:
  explicit NoiseAhead(Noise noise) : noise_(std::move(noise)) {}

  // Of one more frame: a row of draws for each size, one behind the other. Valid until the next
  // call of anything.
  std::span<const float> draw(std::span<const int64_t> sizes);
  // The oldest drawn frame is one. What was drawn for others is drawn again from rewind() on.
  void use();
  void rewind() { drawn_ = 0; }

 private:
  Noise noise_;
  std::deque<std::vector<float>> frames_;  // the first `drawn_` are given out
  size_t drawn_ = 0;
};

class DeviceFrames : public Frames {
 public:
  // Frames that are asked of the device before the oldest is looked at.
  static constexpr size_t kAhead = 3;
  // Steps see a number of the cache's columns that is a multiple of this: for each such number a
  // graph is recorded.
  static constexpr int64_t kSpan = 256;

  // Differs from HostFrames where logits are nearly equal: see draw_tokens. The draws are the same
  // noise's.
  DeviceFrames(const SpeechModel& speech, std::vector<Noise> noises);
  ~DeviceFrames() override { end(); }

  Steps& steps() override { return steps_; }
  void begin(size_t count, const GenerateOptions& options) override;
  std::vector<int32_t> next(std::span<const size_t> which) override;
  void end() override;

 private:
  // What the recorded work depends on.
  struct Recorded {
    SamplingOptions sampling;
    bool constrained = true;
    bool operator==(const Recorded&) const = default;
  };

  int64_t rows() const { return std::ssize(noises_); }
  void prepare(const Recorded& recorded);
  at::Tensor main_logits(const at::Tensor& all) const;
  void upload_noise(std::span<const size_t> which);
  void launch(std::span<const size_t> which);
  void make_frame(int64_t span);
  // The best logit of each draw, [B], is added to `best`.
  at::Tensor draw_main(std::vector<at::Tensor>& best);   // [B], an entry of main_logits
  at::Tensor draw_codes(std::vector<at::Tensor>& best);  // [B, K]

  const SpeechModel& speech_;
  TensorSteps steps_;
  std::vector<NoiseAhead> noises_;
  lm::KvCache fast_cache_;
  tensor::OwnStream stream_;
  tensor::LateReads reads_;

  std::optional<Recorded> recorded_;
  std::optional<tensor::WorkGraphs> graphs_;
  std::vector<int64_t> noise_sizes_;
  int64_t end_entry_ = 0;  // of <|im_end|> in main_logits

  // What a frame is made of and leaves behind. B rows(); n entries of main_logits.
  at::Tensor main_ids_;     // int64 [2]; undefined: all tokens
  at::Tensor unspoken_;     // float [C], added to logits: -infinity for codes that are never drawn
  at::Tensor logits_;       // float [B, n], behind the last column
  at::Tensor hidden_;       // [B, D], likewise
  at::Tensor positions_;    // int64 [B], of the next column
  at::Tensor window_;       // int64 [B, K, CodeWindow::kFrames]
  at::Tensor penalty_;      // float [1]
  at::Tensor may_not_end_;  // bool [1]
  at::Tensor noise_;        // float [B, sum of noise_sizes_]
  at::Tensor out_;          // int [B, 1 + K + 1]: the frame, and whether its logits were damaged

  const GenerateOptions* options_ = nullptr;
  int64_t columns_ = 0;  // that the longest sequence held at begin()
  int64_t launched_ = 0;
};

}  // namespace koi::speech
