#include "koi/speech/device_frames.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "koi/speech/token_draws.h"

namespace koi::speech {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

}  // namespace

std::span<const float> NoiseAhead::draw(std::span<const int64_t> sizes) {
  const auto size = static_cast<size_t>(std::accumulate(sizes.begin(), sizes.end(), int64_t{0}));
  // What was drawn for frames of another kind is of no use.
  if (drawn_ < frames_.size() && frames_[drawn_].size() != size)
    frames_.erase(frames_.begin() + static_cast<std::ptrdiff_t>(drawn_), frames_.end());
  if (drawn_ == frames_.size()) {
    std::vector<float>& frame = frames_.emplace_back(size);
    std::span<float> rest = frame;
    for (const int64_t row : sizes) {
      noise_(rest.first(static_cast<size_t>(row)));
      rest = rest.subspan(static_cast<size_t>(row));
    }
  }
  return frames_[drawn_++];
}

void NoiseAhead::use() {
  frames_.pop_front();
  --drawn_;
}

DeviceFrames::DeviceFrames(const SpeechModel& speech, std::vector<Noise> noises)
    : speech_(speech),
      steps_(speech.model, noises.size()),
      noises_(noises.begin(), noises.end()),
      fast_cache_(speech.model.make_fast_cache(rows())),
      stream_(speech.model.device()),
      reads_(speech.model.device()) {
  const c10::InferenceMode no_gradients;
  // A step looks at columns that nothing was put into yet, with a weight of 0.
  for (auto* list : {&steps_.cache().k, &steps_.cache().v})
    for (at::Tensor& layer : *list) layer.zero_();
}

// What lies where the graphs expect it. New sizes need new graphs.
void DeviceFrames::prepare(const Recorded& recorded) {
  if (recorded_ == recorded) return;
  const lm::DualAr& model = speech_.model;
  const lm::ModelConfig& config = model.config();
  const auto options = at::device(model.device());
  const auto whole = options.dtype(at::kLong);
  recorded_ = recorded;
  graphs_.emplace(model.device(), speech_.recording);
  main_ids_.reset();
  unspoken_ = at::zeros({config.codebook_size}, options.dtype(at::kFloat));
  end_entry_ = recorded.constrained ? 1 : speech_.im_end_id;
  if (recorded.constrained) {
    main_ids_ = tensor::upload(
        at::tensor({model.semantic_token_id(), speech_.im_end_id}, at::kLong), model.device());
    unspoken_.select(0, 0).fill_(kNever);
    unspoken_.slice(0, last_spoken_code(config) + 1).fill_(kNever);
  }
  const int64_t entries = recorded.constrained ? 2 : config.vocab_size;
  noise_sizes_.assign(static_cast<size_t>(config.num_codebooks + 1), config.codebook_size);
  noise_sizes_.front() = entries;
  logits_ = at::zeros({rows(), entries}, options.dtype(at::kFloat));
  hidden_ = at::zeros({rows(), config.dim}, options.dtype(model.dtype()));
  positions_ = at::zeros({rows()}, whole);
  window_ = at::zeros({rows(), config.num_codebooks, CodeWindow::kFrames}, whole);
  penalty_ = at::ones({1}, options.dtype(at::kFloat));
  may_not_end_ = at::zeros({1}, options.dtype(at::kBool));
  const int64_t draws = std::accumulate(noise_sizes_.begin(), noise_sizes_.end(), int64_t{0});
  noise_ = at::ones({rows(), draws}, options.dtype(at::kFloat));
  out_ = at::zeros({rows(), config.num_codebooks + 2}, options.dtype(at::kInt));
}

void DeviceFrames::begin(size_t count, const GenerateOptions& options) {
  const c10::InferenceMode no_gradients;
  options_ = &options;
  prepare({.sampling = options.sampling, .constrained = options.constrained});
  // Rows that do not speak put their columns where no sequence holds one.
  at::Tensor positions = at::full({rows()}, speech_.context_length() - 1, at::kLong);
  launched_ = columns_ = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto row = static_cast<int64_t>(i);
    positions[row] = steps_.columns(i);
    columns_ = std::max(columns_, steps_.columns(i));
    logits_.narrow(0, row, 1).copy_(main_logits(steps_.last(i).logits));
    hidden_.narrow(0, row, 1).copy_(steps_.last(i).hidden);
  }
  positions_.copy_(tensor::upload(positions, positions_.device()));
  window_.zero_();
  penalty_.fill_(1);
  may_not_end_.fill_(options.min_new_tokens > 0);
  tensor::wait_for(speech_.model.device());  // the stream of frames begins behind all this
}

void DeviceFrames::end() {
  if (options_ == nullptr) return;
  try {
    tensor::wait_for(speech_.model.device());
  } catch (const c10::Error&) {
    // A device that failed says so again in whatever is asked of it next.
  }
  reads_.clear();
  for (NoiseAhead& noise : noises_) noise.rewind();
  options_ = nullptr;
}

std::vector<int32_t> DeviceFrames::next(std::span<const size_t> which) {
  const int64_t most = options_->max_new_tokens;
  while (reads_.size() <= kAhead && (most == 0 || launched_ < most)) launch(which);
  const at::Tensor made = reads_.pop();
  std::vector<int32_t> frames;
  for (const size_t i : which) {
    const int32_t* row = made.const_data_ptr<int32_t>() + static_cast<int64_t>(i) * made.size(1);
    const int32_t* end = row + made.size(1) - 1;
    if (*end != 0) fail_damaged();
    frames.insert(frames.end(), row, end);
    if (!options_->sampling.greedy) noises_[i].use();
  }
  return frames;
}

void DeviceFrames::launch(std::span<const size_t> which) {
  const c10::InferenceMode no_gradients;
  const tensor::OwnStream::Scope scope(stream_);
  // The first frame behind the prompt is neither penalised nor remembered.
  if (launched_ == 1) {
    window_.zero_();
    penalty_.fill_(options_->sampling.repetition_penalty);
  }
  if (launched_ > 0 && launched_ == options_->min_new_tokens) may_not_end_.fill_(false);
  if (!options_->sampling.greedy) upload_noise(which);
  const int64_t seen = columns_ + launched_ + 1;
  const int64_t span = std::min((seen + kSpan - 1) / kSpan * kSpan, speech_.context_length());
  graphs_->run(span, [&] { make_frame(span); });
  reads_.push(out_);
  ++launched_;
}

void DeviceFrames::upload_noise(std::span<const size_t> which) {
  const at::Tensor staged = tensor::staging(noise_.sizes(), at::kFloat, noise_.device()).fill_(1);
  for (const size_t i : which) {
    const std::span<const float> draws = noises_[i].draw(noise_sizes_);
    std::copy(draws.begin(), draws.end(),
              staged.mutable_data_ptr<float>() + static_cast<int64_t>(i) * noise_.size(1));
  }
  noise_.copy_(staged, /*non_blocking=*/true);
}

at::Tensor DeviceFrames::main_logits(const at::Tensor& all) const {
  return (main_ids_.defined() ? all.index_select(1, main_ids_) : all).to(at::kFloat);
}

// Draws behind the last column, then puts the column that was drawn behind it.
void DeviceFrames::make_frame(int64_t span) {
  const lm::DualAr& model = speech_.model;
  std::vector<at::Tensor> best;
  const at::Tensor entry = draw_main(best);
  const at::Tensor main = main_ids_.defined() ? main_ids_.index_select(0, entry) : entry;
  // A frame that does not speak has no codes.
  const at::Tensor codes = draw_codes(best) * main.eq(model.semantic_token_id()).unsqueeze(1);
  window_.copy_(at::cat({window_.slice(2, 1), codes.unsqueeze(2)}, 2));
  const at::Tensor column = at::cat({main.unsqueeze(1), codes}, 1);  // [B, 1 + K]
  out_.copy_(at::cat({column, damaged_rows(at::stack(best, 1)).unsqueeze(1)}, 1));

  const auto step = model.step_slow(column, {positions_, span}, steps_.cache());
  logits_.copy_(main_logits(step.logits));
  hidden_.copy_(step.hidden);
  positions_.add_(1).clamp_max_(speech_.context_length() - 1);
}

at::Tensor DeviceFrames::draw_main(std::vector<at::Tensor>& best) {
  const at::Tensor logits = logits_.clone();
  logits.select(1, end_entry_).masked_fill_(may_not_end_, kNever);
  best.push_back(logits.amax(-1));
  return draw_tokens(logits, {}, noise_.narrow(1, 0, noise_sizes_.front()), recorded_->sampling);
}

at::Tensor DeviceFrames::draw_codes(std::vector<at::Tensor>& best) {
  const lm::DualAr& model = speech_.model;
  const lm::ModelConfig& config = model.config();
  std::vector<at::Tensor> codes;
  fast_cache_.filled = 0;
  for (int64_t k = 0; k < config.num_codebooks; ++k) {
    const at::Tensor x = k == 0 ? model.project_hidden(hidden_) : model.embed_code(codes.back());
    const at::Tensor logits = at::add(model.forward_fast(x, fast_cache_), unspoken_);
    best.push_back(logits.amax(-1));
    const at::Tensor noise =
        noise_.narrow(1, noise_sizes_.front() + k * config.codebook_size, config.codebook_size);
    codes.push_back(
        draw_tokens(logits, {window_.select(1, k), penalty_}, noise, recorded_->sampling));
  }
  return at::stack(codes, 1);
}

}  // namespace koi::speech
