#include "koi/speech/tensor_steps.h"

#include "koi/tensor/transfer.h"

namespace koi::speech {
namespace {

lm::KvCache row_of(const lm::KvCache& cache, int64_t row) {
  lm::KvCache result;
  for (size_t layer = 0; layer < cache.k.size(); ++layer) {
    result.k.push_back(cache.k[layer].narrow(0, row, 1));
    result.v.push_back(cache.v[layer].narrow(0, row, 1));
  }
  return result;
}

// [1, n] on any device and in any type.
void append_floats(const at::Tensor& row, std::vector<float>& floats) {
  const at::Tensor values = row.to(at::kCPU, at::kFloat).contiguous();
  const float* data = values.const_data_ptr<float>();
  floats.insert(floats.end(), data, data + values.numel());
}

}  // namespace

TensorSteps::TensorSteps(const lm::DualAr& model, size_t count) : model_(model) {
  const c10::InferenceMode no_gradients;
  const auto rows = static_cast<int64_t>(count);
  cache_ = model.make_slow_cache(rows, model.config().max_seq_len);
  for (int64_t row = 0; row < rows; ++row) {
    sequences_.push_back(
        {.cache = row_of(cache_, row), .fast_cache = model.make_fast_cache(1), .last = {}});
  }
}

void TensorSteps::append(size_t sequence, const TokenColumns& columns) {
  append_values(sequence, columns.values, columns.rows);
}

void TensorSteps::step(std::span<const size_t> which, std::span<const int32_t> columns) {
  const size_t rows = columns.size() / which.size();
  for (size_t i = 0; i < which.size(); ++i)
    append_values(which[i], columns.subspan(i * rows, rows), static_cast<int64_t>(rows));
}

void TensorSteps::append_values(size_t sequence, std::span<const int32_t> values, int64_t rows) {
  const c10::InferenceMode no_gradients;
  const at::Tensor columns =
      at::tensor(at::ArrayRef<int32_t>(values.data(), values.size()), at::kInt).to(at::kLong);
  const at::Tensor input = columns.view({1, -1, rows}).transpose(1, 2);  // [1, 1 + K, T]
  sequences_[sequence].last =
      model_.forward_slow(tensor::upload(input, model_.device()), sequences_[sequence].cache);
}

void TensorSteps::take_over(size_t to, size_t from, int64_t columns) {
  const c10::InferenceMode no_gradients;
  lm::KvCache &into = sequences_[to].cache, &source = sequences_[from].cache;
  into.filled = columns;
  if (to == from) return;
  for (size_t layer = 0; layer < into.k.size(); ++layer) {
    into.k[layer].narrow(2, 0, columns).copy_(source.k[layer].narrow(2, 0, columns));
    into.v[layer].narrow(2, 0, columns).copy_(source.v[layer].narrow(2, 0, columns));
  }
}

bool TensorSteps::set_state(size_t sequence, int64_t, std::string_view) {
  sequences_[sequence].cache.filled = 0;
  return false;
}

std::vector<float> TensorSteps::token_logits(std::span<const size_t> which,
                                             std::span<const int64_t> ids) {
  const c10::InferenceMode no_gradients;
  const at::Tensor entries = at::tensor(at::ArrayRef<int64_t>(ids.data(), ids.size()), at::kLong);
  std::vector<float> rows;
  for (const size_t i : which) {
    const at::Tensor& all = sequences_[i].last.logits;
    append_floats(ids.empty() ? all : all.index_select(1, entries.to(all.device())), rows);
  }
  return rows;
}

std::vector<float> TensorSteps::first_code_logits(std::span<const size_t> which) {
  const c10::InferenceMode no_gradients;
  std::vector<float> rows;
  for (const size_t i : which) {
    sequences_[i].fast_cache.filled = 0;
    const at::Tensor x = model_.project_hidden(sequences_[i].last.hidden);
    append_floats(model_.forward_fast(x, sequences_[i].fast_cache), rows);
  }
  return rows;
}

std::vector<float> TensorSteps::next_code_logits(std::span<const size_t> which,
                                                 std::span<const int32_t> codes) {
  const c10::InferenceMode no_gradients;
  std::vector<float> rows;
  for (size_t i = 0; i < which.size(); ++i) {
    const at::Tensor code = at::full({1}, codes[i], at::device(model_.device()).dtype(at::kLong));
    append_floats(model_.forward_fast(model_.embed_code(code), sequences_[which[i]].fast_cache),
                  rows);
  }
  return rows;
}

}  // namespace koi::speech
