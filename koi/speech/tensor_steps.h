// Steps by tensors, on any device.
#pragma once

#include "koi/speech/steps.h"

namespace koi::speech {

class TensorSteps : public Steps {
 public:
  // `model` has to stay. The sequences lie in the rows of one cache.
  TensorSteps(const lm::DualAr& model, size_t count);

  void use_cores(lm::Cores) override {}
  void append(size_t sequence, const TokenColumns& columns) override;
  void step(std::span<const size_t> which, std::span<const int32_t> columns) override;
  void take_over(size_t to, size_t from, int64_t columns) override;
  std::string state(size_t, int64_t) const override { return {}; }
  bool set_state(size_t sequence, int64_t columns, std::string_view bytes) override;
  std::vector<float> token_logits(std::span<const size_t> which,
                                  std::span<const int64_t> ids) override;
  std::vector<float> first_code_logits(std::span<const size_t> which) override;
  std::vector<float> next_code_logits(std::span<const size_t> which,
                                      std::span<const int32_t> codes) override;

  // For those who step all sequences at once (lm::DualAr::step_slow).
  lm::KvCache& cache() { return cache_; }
  int64_t columns(size_t sequence) const { return sequences_[sequence].cache.filled; }
  const lm::DualAr::SlowStep& last(size_t sequence) const { return sequences_[sequence].last; }

 private:
  struct Sequence {
    lm::KvCache cache;  // a row of cache_
    lm::KvCache fast_cache;
    lm::DualAr::SlowStep last;  // behind the last column
  };

  void append_values(size_t sequence, std::span<const int32_t> values, int64_t rows);

  const lm::DualAr& model_;
  lm::KvCache cache_;
  std::vector<Sequence> sequences_;
};

}  // namespace koi::speech
