#include "koi/speech/steps.h"

#include "koi/tensor/device.h"

namespace koi::speech {
namespace {

// One sequence after the other.
class TensorSteps : public Steps {
 public:
  TensorSteps(const lm::DualAr& model, size_t count) : model_(model) {
    for (size_t i = 0; i < count; ++i) {
      sequences_.push_back({.cache = model.make_slow_cache(1, model.config().max_seq_len),
                            .fast_cache = model.make_fast_cache(1),
                            .last = {}});
    }
  }

  void use_cores(lm::Cores) override {}
  void append(size_t sequence, const TokenColumns& columns) override {
    append_values(sequence, columns.values, columns.rows);
  }
  void step(std::span<const size_t> which, std::span<const int32_t> columns) override {
    const size_t rows = columns.size() / which.size();
    for (size_t i = 0; i < which.size(); ++i)
      append_values(which[i], columns.subspan(i * rows, rows), static_cast<int64_t>(rows));
  }
  void take_over(size_t to, size_t from, int64_t columns) override {
    const c10::InferenceMode no_gradients;
    lm::KvCache &into = sequences_[to].cache, &source = sequences_[from].cache;
    into.filled = columns;
    if (to == from) return;
    for (size_t layer = 0; layer < into.k.size(); ++layer) {
      into.k[layer].narrow(2, 0, columns).copy_(source.k[layer].narrow(2, 0, columns));
      into.v[layer].narrow(2, 0, columns).copy_(source.v[layer].narrow(2, 0, columns));
    }
  }
  std::string state(size_t, int64_t) const override { return {}; }
  bool set_state(size_t sequence, int64_t, std::string_view) override {
    sequences_[sequence].cache.filled = 0;
    return false;
  }

  std::vector<float> token_logits(std::span<const size_t> which,
                                  std::span<const int64_t> ids) override {
    const c10::InferenceMode no_gradients;
    const at::Tensor entries = at::tensor(at::ArrayRef<int64_t>(ids.data(), ids.size()), at::kLong);
    return rows_of(which, [&](Sequence& sequence, size_t) {
      const at::Tensor& all = sequence.last.logits;
      return ids.empty() ? all : all.index_select(1, entries.to(all.device()));
    });
  }
  std::vector<float> first_code_logits(std::span<const size_t> which) override {
    const c10::InferenceMode no_gradients;
    return rows_of(which, [&](Sequence& sequence, size_t) {
      sequence.fast_cache.filled = 0;
      return model_.forward_fast(model_.project_hidden(sequence.last.hidden), sequence.fast_cache);
    });
  }
  std::vector<float> next_code_logits(std::span<const size_t> which,
                                      std::span<const int32_t> codes) override {
    const c10::InferenceMode no_gradients;
    return rows_of(which, [&](Sequence& sequence, size_t i) {
      const at::Tensor code = at::full({1}, codes[i], at::device(model_.device()).dtype(at::kLong));
      return model_.forward_fast(model_.embed_code(code), sequence.fast_cache);
    });
  }

 private:
  struct Sequence {
    lm::KvCache cache, fast_cache;
    lm::DualAr::SlowStep last;
  };

  void append_values(size_t sequence, std::span<const int32_t> values, int64_t rows) {
    const c10::InferenceMode no_gradients;
    const at::Tensor columns =
        at::tensor(at::ArrayRef<int32_t>(values.data(), values.size()), at::kInt);
    const at::Tensor input = columns.view({1, -1, rows}).transpose(1, 2);  // [1, 1 + K, T]
    sequences_[sequence].last =
        model_.forward_slow(input.to(model_.device(), at::kLong), sequences_[sequence].cache);
  }

  // What `logits` gives for each, [1, n] on any device and in any type, as floats.
  template <typename Logits>
  std::vector<float> rows_of(std::span<const size_t> which, const Logits& logits) {
    std::vector<float> rows;
    for (size_t i = 0; i < which.size(); ++i) {
      const at::Tensor row = logits(sequences_[which[i]], i).to(at::kCPU, at::kFloat).contiguous();
      const float* data = row.template const_data_ptr<float>();
      rows.insert(rows.end(), data, data + row.numel());
    }
    return rows;
  }

  const lm::DualAr& model_;
  std::vector<Sequence> sequences_;
};

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
