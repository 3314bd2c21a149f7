#include "koi/speech/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/speech/steps.h"

namespace koi::speech {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

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
        window_(speech.model.config().num_codebooks) {}

  std::vector<int32_t> draw(Steps& steps) {
    const lm::DualAr& model = speech_.model;
    const int64_t main = options_.constrained ? draw_spoken(steps) : draw_any(steps);
    std::vector<int32_t> frame = {static_cast<int32_t>(main)};
    for (int64_t k = 0; k < model.config().num_codebooks; ++k) {
      const int64_t code =
          draw_code(k, k == 0 ? steps.first_code_logits() : steps.next_code_logits(frame.back()));
      frame.push_back(static_cast<int32_t>(code));
    }
    if (main != model.semantic_token_id()) std::fill(frame.begin() + 1, frame.end(), 0);
    if (drawn_ > 0) window_.push(std::span(frame).subspan(1));
    drawn_ += 1;
    return frame;
  }

 private:
  bool may_end() const { return drawn_ >= options_.min_new_tokens; }

  int64_t draw_any(Steps& steps) const {
    std::vector<float> logits = steps.token_logits({});
    if (!may_end()) logits[static_cast<size_t>(speech_.im_end_id)] = kNever;
    return sample_token(logits, {}, options_.sampling, noise_);
  }

  // <|semantic|> or <|im_end|>: of the vocabulary's rows these two are all that is computed.
  int64_t draw_spoken(Steps& steps) const {
    const std::array ids{speech_.model.semantic_token_id(), speech_.im_end_id};
    std::vector<float> logits = steps.token_logits(ids);
    if (!may_end()) logits[1] = kNever;
    return ids[static_cast<size_t>(sample_token(logits, {}, options_.sampling, noise_))];
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
  const std::unique_ptr<Steps> steps = make_steps(speech, prompt.columns() + limit);
  FrameSampler sampler(speech, options, noise);

  TokenColumns frames{prompt.rows, {}, prompt.wide};
  TokenColumns input = prompt;
  while (frames.columns() < limit) {
    if (base::stop_requested()) {
      throw base::Interrupted("generation",
                              fmt::format("given up after {} frames", frames.columns()),
                              "the same command begins anew");
    }
    steps->append(input);
    input.values = sampler.draw(*steps);
    frames.append(input);
    if (options.on_frame) options.on_frame(frames.columns());
    const bool may_end = options.constrained || frames.columns() > 1;
    if (may_end && input.values.front() == speech.im_end_id) break;
  }
  return frames;
}

}  // namespace koi::speech
