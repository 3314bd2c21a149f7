#include "koi/speech/frames.h"

#include "koi/speech/device_frames.h"

namespace koi::speech {
namespace {

// Row `i` of `count` rows.
std::vector<float> row_of(const std::vector<float>& rows, size_t i, size_t count) {
  const auto size = std::ssize(rows) / static_cast<int64_t>(count);
  const auto from = rows.begin() + static_cast<int64_t>(i) * size;
  return {from, from + size};
}

// u + guidance (l - u), `logits` being as many rows l and behind them rows u.
std::vector<float> guided(std::vector<float> logits, double guidance) {
  const size_t count = logits.size() / 2;
  const auto factor = static_cast<float>(guidance);
  for (size_t i = 0; i < count; ++i)
    logits[i] = logits[count + i] + factor * (logits[i] - logits[count + i]);
  logits.resize(count);
  return logits;
}

// Waits for the logits of each token, which is as good where they are computed on the CPU.
class HostFrames : public Frames {
 public:
  HostFrames(const SpeechModel& speech, std::vector<Noise> noises, Twins twins)
      : speech_(speech),
        noises_(std::move(noises)),
        has_twins_(twins == Twins::without_text),
        steps_(make_steps(speech, (has_twins_ ? 2 : 1) * noises_.size())) {}

  Steps& steps() override { return *steps_; }

  void begin(size_t count, const GenerateOptions& options) override {
    options_ = &options;
    samplers_.clear();
    for (size_t i = 0; i < count; ++i) samplers_.emplace_back(speech_, options, noises_[i]);
    is_first_ = true;
  }

  std::vector<int32_t> next(std::span<const size_t> which) override {
    const bool taken = options_->cores_taken != nullptr && *options_->cores_taken;
    steps_->use_cores(taken ? lm::Cores::half : lm::Cores::all);
    if (!is_first_) steps_->step(with_twins(which), twice(frames_of(which)));
    is_first_ = false;
    draw(which);
    for (const size_t i : which) samplers_[i].finish();
    return frames_of(which);
  }

  void end() override {}

 private:
  std::vector<int32_t> frames_of(std::span<const size_t> which) const {
    std::vector<int32_t> columns;
    for (const size_t i : which) {
      const std::vector<int32_t>& frame = samplers_[i].frame();
      columns.insert(columns.end(), frame.begin(), frame.end());
    }
    return columns;
  }

  std::vector<size_t> with_twins(std::span<const size_t> which) const {
    std::vector<size_t> all(which.begin(), which.end());
    if (has_twins_)
      for (const size_t i : which) all.push_back(noises_.size() + i);
    return all;
  }
  // What is put behind sequences and, where there are any, their twins.
  std::vector<int32_t> twice(std::vector<int32_t> values) const {
    if (!has_twins_) return values;
    const auto count = std::ssize(values);
    values.resize(2 * values.size());
    std::copy_n(values.begin(), count, values.begin() + count);
    return values;
  }

  void draw(std::span<const size_t> which) {
    const std::vector<float> main =
        steps_->token_logits(which, samplers_[which.front()].main_ids());
    for (size_t i = 0; i < which.size(); ++i)
      samplers_[which[i]].draw_main(row_of(main, i, which.size()));
    const std::vector<size_t> all = with_twins(which);
    std::vector<int32_t> codes(which.size());
    for (int64_t k = 0; k < speech_.model.config().num_codebooks; ++k) {
      std::vector<float> logits =
          k == 0 ? steps_->first_code_logits(all) : steps_->next_code_logits(all, twice(codes));
      if (has_twins_) logits = guided(std::move(logits), options_->guidance);
      for (size_t i = 0; i < which.size(); ++i)
        codes[i] = samplers_[which[i]].draw_code(row_of(logits, i, which.size()));
    }
  }

  const SpeechModel& speech_;
  std::vector<Noise> noises_;
  bool has_twins_;
  std::unique_ptr<Steps> steps_;
  const GenerateOptions* options_ = nullptr;
  std::vector<FrameSampler> samplers_;
  bool is_first_ = true;
};

}  // namespace

std::unique_ptr<Frames> make_frames(const SpeechModel& speech, std::vector<Noise> noises,
                                    Twins twins) {
  const bool on_device = speech.cpu == nullptr && speech.drawing == Drawing::on_device;
  if (on_device && twins == Twins::none)
    return std::make_unique<DeviceFrames>(speech, std::move(noises));
  return std::make_unique<HostFrames>(speech, std::move(noises), twins);
}

}  // namespace koi::speech
