// Generation on a CPU, without tensors: a token of one sequence costs one pass over the weights,
// and so does a token of each of several sequences.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "koi/kernels/kernels.h"
#include "koi/kernels/multiply_many.h"
#include "koi/kernels/team.h"
#include "koi/lm/cpu_weights.h"

namespace koi::lm {

// Zeros that take memory only once they are written to.
template <typename T>
struct LazyZeros {
  using value_type = T;
  T* allocate(size_t count) {
    void* zeros = std::calloc(count, sizeof(T));
    return zeros != nullptr ? static_cast<T*>(zeros) : throw std::bad_alloc();
  }
  void deallocate(T* zeros, size_t) { std::free(zeros); }
  template <typename U>
  void construct(U*) {}  // a zero already
  template <typename U, typename... Values>
  void construct(U* place, Values&&... values) {
    ::new (static_cast<void*>(place)) U(std::forward<Values>(values)...);
  }
  bool operator==(const LazyZeros&) const = default;
};

// Keys and values of one sequence in the layers of one part: state of whoever generates. Takes
// memory for the positions that were filled.
class CpuCache {
 public:
  CpuCache(const CpuPart& part, int64_t capacity);

  int64_t capacity() const { return capacity_; }
  int64_t filled = 0;  // positions

  // The first `positions` of `other`, of the same part and capacity. `filled` stays.
  void copy_from(const CpuCache& other, int64_t positions);
  // The same by way of bytes: of each layer and kv head first keys, then values. set_bytes returns
  // false, and changes nothing, where these are not so many positions of this part.
  std::string bytes(int64_t positions) const;
  bool set_bytes(std::string_view bytes, int64_t positions);

  // [capacity, head_dim] of a kv head.
  float* k(int64_t layer, int64_t head) { return k_.data() + place(layer, head); }
  float* v(int64_t layer, int64_t head) { return v_.data() + place(layer, head); }

 private:
  int64_t place(int64_t layer, int64_t head) const {
    return (layer * heads_ + head) * capacity_ * head_dim_;
  }
  int64_t heads_, head_dim_, capacity_;
  std::vector<float, LazyZeros<float>> k_, v_;
};

// How many of a runner's threads compute.
enum class Cores { all, half };

class CpuRunner {
 public:
  // `weights` has to stay. Throws as kernels::kernels_for.
  CpuRunner(const CpuWeights& weights, size_t threads, kernels::Instructions instructions);

  // From now on; prompts take all. Results do not depend on it.
  void use_cores(Cores cores);

  // The slow part over `columns` [n, 1 + K] (token and codes of each), new positions of one
  // sequence: the un-normed hidden states [n, D] of all of them. Throws Error(config) for values
  // that the model does not have and where the cache is full.
  std::vector<float> append(std::span<const int32_t> columns, CpuCache& cache);
  // The same with one new position of each of several sequences.
  std::vector<float> step(std::span<const int32_t> columns, std::span<CpuCache* const> caches);

  // All of the following throw Error(config) for tokens and codes that the model does not have.
  // Logits of the main token [n, V] for hidden states [n, D]; of the entries `ids` only [n, ids]
  // where there are some.
  std::vector<float> token_logits(std::span<const float> hidden, std::span<const int64_t> ids);

  // One step of the fast part for each of several sequences: logits [n, C] of the next codebook.
  // `x` [n, fast D]: project_hidden() of the hidden states at position 0, then embed_codes().
  std::vector<float> code_logits(std::vector<float> x, std::span<CpuCache* const> caches);
  std::vector<float> project_hidden(std::span<const float> hidden);
  std::vector<float> embed_codes(std::span<const int32_t> codes) const;

 private:
  // A row of activations: where it stands in which sequence.
  struct Row {
    CpuCache* cache;
    int64_t position;
  };
  std::vector<float> embed(std::span<const int32_t> columns) const;
  void check_columns(std::span<const int32_t> columns) const;
  std::vector<float> run_slow(std::span<const int32_t> columns, const std::vector<Row>& rows);
  // x [n, D] in place.
  void run_blocks(const CpuPart& part, const std::vector<Row>& rows, std::vector<float>& x);
  void attention(const CpuPart& part, int64_t layer, const std::vector<Row>& rows);
  void rotate_and_keep(const CpuPart& part, int64_t layer, const std::vector<Row>& rows);
  void feed_forward(const CpuBlock& block, int64_t count);
  // y [n, rows] = x [n, columns] times the matrix, plus bias.
  void multiply(const CpuLinear& linear, const std::vector<float>& x, std::vector<float>& y);
  std::vector<float> normed(const std::vector<float>& x, const std::vector<float>& weight,
                            double eps) const;

  const CpuWeights& weights_;
  const kernels::Kernels& kernels_;
  kernels::Team all_, half_;
  kernels::Team* team_ = &all_;
  kernels::Inputs inputs_;
  kernels::PackedVectors packed_;
  // Room for what one block computes.
  std::vector<float> qkv_, scores_, heads_, out_, gated_, wide_;
};

}  // namespace koi::lm
