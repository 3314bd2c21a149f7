#include "koi/speech/steps.h"

#include "koi/lm/cpu_runner.h"
#include "koi/tensor/device.h"

namespace koi::speech {
namespace {

class TensorSteps : public Steps {
 public:
  TensorSteps(const lm::DualAr& model, int64_t capacity)
      : model_(model),
        cache_(model.make_slow_cache(1, capacity)),
        fast_cache_(model.make_fast_cache(1)) {}

  void append(const TokenColumns& columns) override {
    const c10::InferenceMode no_gradients;
    const at::Tensor values = at::tensor(at::ArrayRef<int32_t>(columns.values), at::kInt);
    const at::Tensor input =
        values.view({1, columns.columns(), columns.rows}).transpose(1, 2);  // [1, 1 + K, T]
    last_ = model_.forward_slow(input.to(model_.device(), at::kLong), cache_);
  }
  std::vector<float> token_logits(std::span<const int64_t> ids) override {
    const c10::InferenceMode no_gradients;
    if (ids.empty()) return to_row(last_.logits);
    const at::Tensor entries = at::tensor(at::ArrayRef<int64_t>(ids.data(), ids.size()), at::kLong);
    return to_row(last_.logits.index_select(1, entries.to(last_.logits.device())));
  }
  std::vector<float> first_code_logits() override {
    const c10::InferenceMode no_gradients;
    fast_cache_.filled = 0;
    return to_row(model_.forward_fast(model_.project_hidden(last_.hidden), fast_cache_));
  }
  std::vector<float> next_code_logits(int32_t code) override {
    const c10::InferenceMode no_gradients;
    const at::Tensor index = at::full({1}, code, at::device(model_.device()).dtype(at::kLong));
    return to_row(model_.forward_fast(model_.embed_code(index), fast_cache_));
  }

 private:
  // [1, n] on any device and in any type -> n floats.
  static std::vector<float> to_row(const at::Tensor& logits) {
    const at::Tensor row = logits.to(at::kCPU, at::kFloat).contiguous();
    const float* data = row.const_data_ptr<float>();
    return {data, data + row.numel()};
  }

  const lm::DualAr& model_;
  lm::KvCache cache_, fast_cache_;
  lm::DualAr::SlowStep last_;
};

class KernelSteps : public Steps {
 public:
  KernelSteps(const SpeechModel& speech, int64_t capacity)
      : runner_(*speech.cpu, tensor::thread_count(), speech.instructions),
        cache_(speech.cpu->slow, capacity),
        fast_cache_(speech.cpu->fast, speech.cpu->config.num_codebooks),
        width_(static_cast<size_t>(speech.cpu->slow.sizes.dim)) {}

  void append(const TokenColumns& columns) override {
    const std::vector<float> hidden = runner_.append(columns.values, cache_);
    last_.assign(hidden.end() - static_cast<std::ptrdiff_t>(width_), hidden.end());
  }
  std::vector<float> token_logits(std::span<const int64_t> ids) override {
    return runner_.token_logits(last_, ids);
  }
  std::vector<float> first_code_logits() override {
    fast_cache_.filled = 0;
    return code_logits(runner_.project_hidden(last_));
  }
  std::vector<float> next_code_logits(int32_t code) override {
    return code_logits(runner_.embed_codes(std::span(&code, 1)));
  }

 private:
  std::vector<float> code_logits(std::vector<float> x) {
    lm::CpuCache* const caches[] = {&fast_cache_};
    return runner_.code_logits(std::move(x), caches);
  }

  lm::CpuRunner runner_;
  lm::CpuCache cache_, fast_cache_;
  size_t width_;
  std::vector<float> last_;  // the hidden state behind the last column
};

}  // namespace

std::unique_ptr<Steps> make_steps(const SpeechModel& speech, int64_t capacity) {
  if (speech.cpu) return std::make_unique<KernelSteps>(speech, capacity);
  return std::make_unique<TensorSteps>(speech.model, capacity);
}

}  // namespace koi::speech
