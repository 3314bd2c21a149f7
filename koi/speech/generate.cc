#include "koi/speech/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "koi/base/error.h"
#include "koi/base/interrupt.h"

namespace koi::speech {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// [1, n] on any device and in any type -> n floats.
std::vector<float> to_row(const at::Tensor& logits) {
  const at::Tensor row = logits.to(at::kCPU, at::kFloat).contiguous();
  const float* data = row.const_data_ptr<float>();
  return {data, data + row.numel()};
}

at::Tensor index_tensor(int64_t index, const at::Device& device) {
  return at::full({1}, index, at::TensorOptions().dtype(at::kLong).device(device));
}

// [1, rows, T] int64.
at::Tensor to_input(const TokenColumns& columns, const at::Device& device) {
  const at::Tensor values = at::tensor(at::ArrayRef<int32_t>(columns.values), at::kInt);
  return values.view({columns.columns(), columns.rows}).t().to(device, at::kLong).unsqueeze(0);
}

void check_column(std::span<const int32_t> column, int64_t t, const lm::ModelConfig& config) {
  for (size_t row = 0; row < column.size(); ++row) {
    const int64_t limit = row == 0 ? config.vocab_size : config.codebook_size;
    if (column[row] < 0 || column[row] >= limit) {
      throw Error(ErrorKind::corrupt, "prompt",
                  fmt::format("value {} in row {}, column {}, the model knows 0 to {}", column[row],
                              row, t, limit - 1),
                  "the tokenizer or the codes belong to another model");
    }
  }
}

// How many frames to make.
int64_t frame_limit(const SpeechModel& speech, const TokenColumns& prompt,
                    const GenerateOptions& options) {
  check_generation(options);
  const lm::ModelConfig& config = speech.model.config();
  if (prompt.rows != config.num_codebooks + 1 || prompt.columns() == 0) {
    throw Error(ErrorKind::internal, "prompt",
                fmt::format("{} rows and {} columns, expected {} rows", prompt.rows,
                            prompt.columns(), config.num_codebooks + 1));
  }
  for (int64_t t = 0; t < prompt.columns(); ++t) check_column(prompt.column(t), t, config);
  const int64_t room = speech.context_length() - prompt.columns();
  if (room < 1) {
    throw Error(ErrorKind::config, "prompt",
                fmt::format("{} tokens leave no room in the model's context of {}",
                            prompt.columns(), speech.context_length()),
                "give a shorter text, or fewer or shorter references");
  }
  return options.max_new_tokens == 0 ? room : std::min(options.max_new_tokens, room);
}

// Draws the frames; what changes from frame to frame.
class FrameSampler {
 public:
  FrameSampler(const SpeechModel& speech, const GenerateOptions& options, const Noise& noise)
      : speech_(speech),
        options_(options),
        noise_(noise),
        window_(speech.model.config().num_codebooks),
        fast_cache_(speech.model.make_fast_cache(1)) {}

  // `step` is the slow part's result for the columns so far.
  std::vector<int32_t> draw(const lm::DualAr::SlowStep& step) {
    const lm::DualAr& model = speech_.model;
    const int64_t main = draw_main(to_row(step.logits));
    std::vector<int32_t> frame = {static_cast<int32_t>(main)};
    fast_cache_.filled = 0;
    at::Tensor x = model.project_hidden(step.hidden);  // [1, fast D]
    for (int64_t k = 0; k < model.config().num_codebooks; ++k) {
      if (k > 0) x = model.embed_code(index_tensor(frame.back(), x.device()));
      const int64_t code = draw_code(k, to_row(model.forward_fast(x, fast_cache_)));
      frame.push_back(static_cast<int32_t>(code));
    }
    if (main != model.semantic_token_id()) std::fill(frame.begin() + 1, frame.end(), 0);
    if (drawn_ > 0) window_.push(std::span(frame).subspan(1));
    drawn_ += 1;
    return frame;
  }

 private:
  int64_t draw_main(std::vector<float> logits) const {
    if (options_.constrained) {
      for (int64_t id = 0; id < std::ssize(logits); ++id) {
        if (id != speech_.model.semantic_token_id() && id != speech_.im_end_id) {
          logits[static_cast<size_t>(id)] = kNever;
        }
      }
    }
    if (drawn_ < options_.min_new_tokens) {
      logits[static_cast<size_t>(speech_.im_end_id)] = kNever;
    }
    return sample_token(logits, {}, options_.sampling, noise_);
  }

  int64_t draw_code(int64_t k, std::vector<float> logits) const {
    if (options_.constrained) {
      logits[0] = kNever;
      const int64_t last = last_spoken_code(speech_.model.config());
      std::fill(logits.begin() + last + 1, logits.end(), kNever);
    }
    const std::span<const int64_t> previous =
        drawn_ == 0 ? std::span<const int64_t>() : window_.codebook(k);
    return sample_token(logits, previous, options_.sampling, noise_);
  }

  const SpeechModel& speech_;
  const GenerateOptions& options_;
  const Noise& noise_;
  CodeWindow window_;
  lm::KvCache fast_cache_;
  int64_t drawn_ = 0;  // frames
};

}  // namespace

void check_generation(const GenerateOptions& options) {
  check_sampling(options.sampling);
  const auto check_count = [](std::string_view option, int64_t value) {
    if (value >= 0) return;
    throw Error(ErrorKind::usage, option, fmt::format("{} is negative", value), "give 0 or more");
  };
  check_count("--max-new-tokens", options.max_new_tokens);
  check_count("--min-new-tokens", options.min_new_tokens);
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

Noise torch_noise(uint64_t seed) {
  return [generator = at::detail::createCPUGenerator(seed)](std::span<float> row) {
    const c10::InferenceMode no_gradients;
    at::Tensor draws = at::from_blob(row.data(), {std::ssize(row)}, at::kFloat);
    draws.exponential_(1, generator);
  };
}

TokenColumns generate(const SpeechModel& speech, const TokenColumns& prompt,
                      const GenerateOptions& options, const Noise& noise) {
  const int64_t limit = frame_limit(speech, prompt, options);
  const c10::InferenceMode no_gradients;
  const at::Device device = speech.model.device();
  lm::KvCache cache = speech.model.make_slow_cache(1, prompt.columns() + limit);
  FrameSampler sampler(speech, options, noise);

  TokenColumns frames{prompt.rows, {}, prompt.wide};
  TokenColumns input = prompt;
  while (frames.columns() < limit) {
    if (base::stop_requested()) {
      throw base::Interrupted("generation",
                              fmt::format("given up after {} frames", frames.columns()),
                              "the same command begins anew");
    }
    input.values = sampler.draw(speech.model.forward_slow(to_input(input, device), cache));
    frames.append(input);
    if (options.on_frame) options.on_frame(frames.columns());
    const bool may_end = options.constrained || frames.columns() > 1;
    if (may_end && input.values.front() == speech.im_end_id) break;
  }
  return frames;
}

}  // namespace koi::speech
