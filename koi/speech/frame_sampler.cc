#include "koi/speech/frame_sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "koi/base/error.h"

namespace koi::speech {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

}  // namespace

void check_generation(const GenerateOptions& options) {
  check_sampling(options.sampling);
  const auto check_count = [](std::string_view option, int64_t value) {
    if (value >= 0) return;
    throw Error(ErrorKind::usage, option, fmt::format("{} is negative", value), "give 0 or more");
  };
  check_count("--max-new-tokens", options.max_new_tokens);
  check_count("--min-new-tokens", options.min_new_tokens);
  if (options.guidance >= 1 && options.guidance <= 10) return;
  throw Error(ErrorKind::usage, "--guidance", fmt::format("{} is out of range", options.guidance),
              "give 1 (none) to 10");
}

CodeWindow::CodeWindow(int64_t num_codebooks)
    : values_(static_cast<size_t>(num_codebooks * kFrames), 0) {}

std::span<const int64_t> CodeWindow::codebook(int64_t k) const {
  return std::span(values_).subspan(static_cast<size_t>(k * kFrames), kFrames);
}

void CodeWindow::push(std::span<const int32_t> codes) {
  if (filled_ == kFrames) {
    // What the next codebook's first moves into is overwritten below.
    std::rotate(values_.begin(), values_.begin() + 1, values_.end());
    filled_ -= 1;
  }
  for (size_t k = 0; k < codes.size(); ++k) {
    values_[k * kFrames + static_cast<size_t>(filled_)] = codes[k];
  }
  filled_ += 1;
}

FrameSampler::FrameSampler(const SpeechModel& speech, const GenerateOptions& options,
                           const Noise& noise)
    : speech_(speech),
      options_(options),
      noise_(noise),
      window_(speech.model.config().num_codebooks) {
  // Of the vocabulary's rows these two are all that is computed.
  if (options.constrained) main_ids_ = {speech.model.semantic_token_id(), speech.im_end_id};
}

void FrameSampler::draw_main(std::vector<float> logits) {
  const size_t end = main_ids_.empty() ? static_cast<size_t>(speech_.im_end_id) : 1;
  if (!may_end()) logits[end] = kNever;
  const int64_t drawn = sample_token(logits, {}, options_.sampling, noise_);
  const int64_t main = main_ids_.empty() ? drawn : main_ids_[static_cast<size_t>(drawn)];
  frame_ = {static_cast<int32_t>(main)};
}

int32_t FrameSampler::draw_code(std::vector<float> logits) {
  if (options_.constrained) {
    logits[0] = kNever;
    const int64_t last = last_spoken_code(speech_.model.config());
    std::fill(logits.begin() + last + 1, logits.end(), kNever);
  }
  const std::span<const int64_t> previous =
      drawn_ == 0 ? std::span<const int64_t>() : window_.codebook(std::ssize(frame_) - 1);
  frame_.push_back(static_cast<int32_t>(sample_token(logits, previous, options_.sampling, noise_)));
  return frame_.back();
}

void FrameSampler::finish() {
  if (frame_.front() != speech_.model.semantic_token_id())
    std::fill(frame_.begin() + 1, frame_.end(), 0);
  if (drawn_ > 0) window_.push(std::span(frame_).subspan(1));
  drawn_ += 1;
}

}  // namespace koi::speech
