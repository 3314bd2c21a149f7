#include "koi/speech/steps.h"

#include "koi/speech/tensor_steps.h"
#include "koi/tensor/device.h"

namespace koi::speech {
namespace {

class KernelSteps : public Steps {
 public:
  KernelSteps(const SpeechModel& speech, size_t count)
      : runner_(*speech.cpu, tensor::thread_count(), speech.instructions),
        width_(static_cast<size_t>(speech.cpu->slow.sizes.dim)) {
    const lm::ModelConfig& config = speech.cpu->config;
    for (size_t i = 0; i < count; ++i) {
      sequences_.push_back({.cache = {speech.cpu->slow, config.max_seq_len},
                            .fast_cache = {speech.cpu->fast, config.num_codebooks},
                            .last = {}});
    }
  }

  void use_cores(lm::Cores cores) override { runner_.use_cores(cores); }
  void append(size_t sequence, const TokenColumns& columns) override {
    Sequence& into = sequences_[sequence];
    const std::vector<float> hidden = runner_.append(columns.values, into.cache);
    into.last.assign(hidden.end() - static_cast<std::ptrdiff_t>(width_), hidden.end());
  }
  void step(std::span<const size_t> which, std::span<const int32_t> columns) override {
    std::vector<lm::CpuCache*> caches;
    for (const size_t i : which) caches.push_back(&sequences_[i].cache);
    const std::vector<float> hidden = runner_.step(columns, caches);
    for (size_t i = 0; i < which.size(); ++i) {
      const float* row = hidden.data() + i * width_;
      sequences_[which[i]].last.assign(row, row + width_);
    }
  }
  void take_over(size_t to, size_t from, int64_t columns) override {
    if (to != from) sequences_[to].cache.copy_from(sequences_[from].cache, columns);
    sequences_[to].cache.filled = columns;
  }
  std::string state(size_t sequence, int64_t columns) const override {
    return sequences_[sequence].cache.bytes(columns);
  }
  bool set_state(size_t sequence, int64_t columns, std::string_view bytes) override {
    lm::CpuCache& cache = sequences_[sequence].cache;
    const bool set = cache.set_bytes(bytes, columns);
    cache.filled = set ? columns : 0;
    return set;
  }

  std::vector<float> token_logits(std::span<const size_t> which,
                                  std::span<const int64_t> ids) override {
    return runner_.token_logits(last_of(which), ids);
  }
  std::vector<float> first_code_logits(std::span<const size_t> which) override {
    for (const size_t i : which) sequences_[i].fast_cache.filled = 0;
    return code_logits(which, runner_.project_hidden(last_of(which)));
  }
  std::vector<float> next_code_logits(std::span<const size_t> which,
                                      std::span<const int32_t> codes) override {
    return code_logits(which, runner_.embed_codes(codes));
  }

 private:
  struct Sequence {
    lm::CpuCache cache, fast_cache;
    std::vector<float> last;  // the hidden state behind the last column
  };

  std::vector<float> last_of(std::span<const size_t> which) const {
    std::vector<float> rows;
    for (const size_t i : which)
      rows.insert(rows.end(), sequences_[i].last.begin(), sequences_[i].last.end());
    return rows;
  }
  std::vector<float> code_logits(std::span<const size_t> which, std::vector<float> x) {
    std::vector<lm::CpuCache*> caches;
    for (const size_t i : which) caches.push_back(&sequences_[i].fast_cache);
    return runner_.code_logits(std::move(x), caches);
  }

  lm::CpuRunner runner_;
  std::vector<Sequence> sequences_;
  size_t width_;
};

}  // namespace

std::unique_ptr<Steps> make_steps(const SpeechModel& speech, size_t count) {
  if (speech.cpu) return std::make_unique<KernelSteps>(speech, count);
  return std::make_unique<TensorSteps>(speech.model, count);
}

}  // namespace koi::speech
