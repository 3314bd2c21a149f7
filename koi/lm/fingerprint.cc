#include "koi/lm/fingerprint.h"

#include <algorithm>
#include <span>

#include "koi/base/bytes.h"
#include "koi/base/hash.h"

namespace koi::lm {
namespace {

constexpr int64_t kRowBytes = 64;  // one line of the processor's caches

void add(std::string& out, std::span<const float> values) {
  base::append_bytes(out, uint64_t{values.size()});
  out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

void add(std::string& out, const kernels::Matrix& matrix) {
  base::append_bytes(out, static_cast<int32_t>(matrix.format));
  base::append_bytes(out, matrix.rows);
  base::append_bytes(out, matrix.columns);
  const char* row = static_cast<const char*>(matrix.values);
  const auto some = static_cast<size_t>(std::min(kRowBytes, matrix.row_bytes()));
  for (int64_t i = 0; i < matrix.rows; ++i, row += matrix.row_bytes()) out.append(row, some);
  const int64_t row_scales =
      matrix.format == kernels::Format::int4 ? kernels::blocks_of(matrix.columns) : 1;
  const auto scales = static_cast<size_t>(matrix.rows * row_scales);
  if (matrix.scales != nullptr) add(out, {matrix.scales, scales});
  if (matrix.least != nullptr) add(out, {matrix.least, scales});
}

void add(std::string& out, const CpuLinear& linear) {
  add(out, linear.weight);
  add(out, linear.bias);
}

void add(std::string& out, const CpuPart& part) {
  for (const CpuBlock& block : part.blocks) {
    for (const CpuLinear* linear : {&block.wqkv, &block.wo, &block.w1, &block.w3, &block.w2})
      add(out, *linear);
    add(out, block.attention_norm);
    add(out, block.ffn_norm);
  }
  add(out, part.norm);
  add(out, part.output);
  add(out, part.turns);  // with the rope's base
  base::append_bytes(out, part.sizes.n_head);
  base::append_bytes(out, part.sizes.n_local_heads);
  base::append_bytes(out, part.sizes.norm_eps);
}

}  // namespace

std::string fingerprint(const CpuWeights& weights) {
  std::string all;
  base::append_bytes(all, weights.semantic_token_id);
  for (const kernels::Matrix* matrix :
       {&weights.embeddings, &weights.codebook_embeddings, &weights.fast_embeddings})
    add(all, *matrix);
  add(all, weights.slow);
  add(all, weights.fast);
  add(all, weights.fast_project_in);
  return base::sha256_hex(all);
}

}  // namespace koi::lm
