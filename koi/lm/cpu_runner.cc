#include "koi/lm/cpu_runner.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "koi/base/error.h"

namespace koi::lm {
namespace {

// Rows of a matrix that a thread takes at once: enough bytes to keep a stream from memory going.
int64_t grain_of(const kernels::Matrix& matrix) {
  constexpr int64_t kBytes = 128 << 10;
  return std::max<int64_t>(4, kBytes / matrix.row_bytes() / 4 * 4);
}

// Beyond this many vectors weights are widened once for all of them.
constexpr int64_t kFew = 2 * kernels::Inputs::kMost;

kernels::Matrix one_row(const kernels::Matrix& matrix, int64_t row) {
  kernels::Matrix view = matrix;
  view.rows = 1;
  view.values = static_cast<const char*>(matrix.values) + row * matrix.row_bytes();
  const int64_t scales =
      matrix.format == kernels::Format::int4 ? kernels::blocks_of(matrix.columns) : 1;
  if (matrix.scales != nullptr) view.scales = matrix.scales + row * scales;
  if (matrix.least != nullptr) view.least = matrix.least + row * scales;
  return view;
}

void add_to(std::vector<float>& x, const std::vector<float>& y) {
  for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
}

// The pairs of one head turned by one position's angles.
void rotate(float* x, const float* turns, int64_t head_dim) {
  for (int64_t i = 0; i < head_dim; i += 2) {
    const float real = x[i] * turns[i] - x[i + 1] * turns[i + 1];
    x[i + 1] = x[i] * turns[i + 1] + x[i + 1] * turns[i];
    x[i] = real;
  }
}

[[noreturn]] void fail_tokens(const std::string& what) {
  throw Error(ErrorKind::config, "tokens", what);
}

template <typename T>
void check_range(std::span<const T> values, int64_t size) {
  for (const T value : values) {
    if (value < 0 || value >= size)
      fail_tokens(std::to_string(value) + " is beyond what the model knows, 0 to " +
                  std::to_string(size - 1));
  }
}

}  // namespace

CpuCache::CpuCache(const CpuPart& part, int64_t capacity)
    : heads_(part.sizes.n_local_heads),
      head_dim_(part.sizes.head_dim),
      capacity_(capacity),
      k_(static_cast<size_t>(std::ssize(part.blocks) * heads_ * capacity * head_dim_)),
      v_(k_.size()) {}

void CpuCache::copy_from(const CpuCache& other, int64_t positions) {
  const int64_t step = capacity_ * head_dim_;  // from head to head
  for (int64_t from = 0; from < std::ssize(k_); from += step) {
    std::copy_n(other.k_.begin() + from, positions * head_dim_, k_.begin() + from);
    std::copy_n(other.v_.begin() + from, positions * head_dim_, v_.begin() + from);
  }
}

std::string CpuCache::bytes(int64_t positions) const {
  const int64_t step = capacity_ * head_dim_;
  const auto size = static_cast<size_t>(positions * head_dim_) * sizeof(float);
  std::string all;
  for (int64_t from = 0; from < std::ssize(k_); from += step) {
    all.append(reinterpret_cast<const char*>(k_.data() + from), size);
    all.append(reinterpret_cast<const char*>(v_.data() + from), size);
  }
  return all;
}

bool CpuCache::set_bytes(std::string_view bytes, int64_t positions) {
  const int64_t step = capacity_ * head_dim_, heads = std::ssize(k_) / step;
  const auto size = static_cast<size_t>(positions * head_dim_) * sizeof(float);
  if (positions > capacity_ || bytes.size() != 2 * static_cast<size_t>(heads) * size) return false;
  for (int64_t from = 0; from < std::ssize(k_); from += step) {
    std::memcpy(k_.data() + from, bytes.data(), size);
    std::memcpy(v_.data() + from, bytes.data() + size, size);
    bytes.remove_prefix(2 * size);
  }
  return true;
}

CpuRunner::CpuRunner(const CpuWeights& weights, size_t threads, kernels::Instructions instructions)
    : weights_(weights),
      kernels_(kernels::kernels_for(instructions)),
      all_(threads),
      half_(std::max<size_t>(1, threads / 2)) {}

void CpuRunner::use_cores(Cores cores) { team_ = cores == Cores::all ? &all_ : &half_; }

std::vector<float> CpuRunner::append(std::span<const int32_t> columns, CpuCache& cache) {
  use_cores(Cores::all);
  const int64_t count = std::ssize(columns) / (1 + weights_.config.num_codebooks);
  std::vector<Row> rows;
  for (int64_t i = 0; i < count; ++i) rows.push_back({&cache, cache.filled + i});
  auto hidden = run_slow(columns, rows);
  cache.filled += count;
  return hidden;
}

std::vector<float> CpuRunner::step(std::span<const int32_t> columns,
                                   std::span<CpuCache* const> caches) {
  std::vector<Row> rows;
  for (CpuCache* cache : caches) rows.push_back({cache, cache->filled});
  auto hidden = run_slow(columns, rows);
  for (CpuCache* cache : caches) cache->filled += 1;
  return hidden;
}

std::vector<float> CpuRunner::run_slow(std::span<const int32_t> columns,
                                       const std::vector<Row>& rows) {
  check_columns(columns);
  if (std::ssize(columns) != std::ssize(rows) * (1 + weights_.config.num_codebooks))
    fail_tokens(std::to_string(columns.size()) + " values are no column for each of " +
                std::to_string(rows.size()) + " sequences");
  for (const Row& row : rows) {
    if (row.position < std::min(row.cache->capacity(), weights_.config.max_seq_len)) continue;
    throw Error(ErrorKind::config, "KV cache",
                "holds " + std::to_string(row.cache->capacity()) + " positions of a model of " +
                    std::to_string(weights_.config.max_seq_len) + ", more are needed");
  }
  std::vector<float> x = embed(columns);
  run_blocks(weights_.slow, rows, x);
  return x;
}

void CpuRunner::check_columns(std::span<const int32_t> columns) const {
  const ModelConfig& config = weights_.config;
  const int64_t height = 1 + config.num_codebooks;
  if (columns.empty() || std::ssize(columns) % height != 0)
    fail_tokens(std::to_string(columns.size()) + " values are no columns of " +
                std::to_string(height));
  for (int64_t i = 0; i < std::ssize(columns); ++i) {
    const int64_t limit = i % height == 0 ? config.vocab_size : config.codebook_size;
    const int32_t value = columns[static_cast<size_t>(i)];
    if (value < 0 || value >= limit)
      fail_tokens(std::to_string(value) + " is beyond what the model knows, 0 to " +
                  std::to_string(limit - 1));
  }
}

std::vector<float> CpuRunner::embed(std::span<const int32_t> columns) const {
  const int64_t codebooks = weights_.config.num_codebooks, width = weights_.slow.sizes.dim;
  const auto height = static_cast<size_t>(1 + codebooks);
  std::vector<float> x(columns.size() / height * static_cast<size_t>(width)),
      code(static_cast<size_t>(width));
  for (size_t t = 0; t * height < columns.size(); ++t) {
    const auto column = columns.subspan(t * height, height);
    float* out = x.data() + static_cast<int64_t>(t) * width;
    read_row(weights_.embeddings, column[0], out);
    if (column[0] != weights_.semantic_token_id) continue;
    std::vector<float> sum(code.size());
    for (int64_t k = 0; k < codebooks; ++k) {
      const int64_t entry = column[static_cast<size_t>(1 + k)] + k * weights_.config.codebook_size;
      read_row(weights_.codebook_embeddings, entry, code.data());
      add_to(sum, code);
    }
    for (size_t i = 0; i < sum.size(); ++i) out[i] += sum[i];
  }
  return x;
}

std::vector<float> CpuRunner::token_logits(std::span<const float> hidden,
                                           std::span<const int64_t> ids) {
  const CpuPart& part = weights_.slow;
  const auto x = normed({hidden.begin(), hidden.end()}, part.norm, part.sizes.norm_eps);
  std::vector<float> logits;
  if (ids.empty()) {
    multiply(part.output, x, logits);
    return logits;
  }
  check_range(ids, part.output.weight.rows);
  const int64_t width = part.sizes.dim;
  for (int64_t from = 0; from < std::ssize(x); from += width) {
    inputs_.assign(x.data() + from, 1, width, part.output.weight.format);
    for (const int64_t id : ids) {
      logits.push_back(0);
      kernels_.multiply(one_row(part.output.weight, id), 0, 1, inputs_, &logits.back());
    }
  }
  return logits;
}

std::vector<float> CpuRunner::code_logits(std::vector<float> x, std::span<CpuCache* const> caches) {
  const CpuPart& part = weights_.fast;
  std::vector<Row> rows;
  for (CpuCache* cache : caches) {
    if (cache->filled >= std::min(cache->capacity(), weights_.config.num_codebooks))
      throw Error(ErrorKind::internal, "fast KV cache", "all codebooks were computed");
    rows.push_back({cache, cache->filled});
  }
  if (std::ssize(x) != std::ssize(rows) * part.sizes.dim)
    throw Error(ErrorKind::internal, "fast part", "one vector for each sequence was expected");
  run_blocks(part, rows, x);
  for (CpuCache* cache : caches) cache->filled += 1;
  std::vector<float> logits;
  multiply(part.output, normed(x, part.norm, part.sizes.norm_eps), logits);
  return logits;
}

std::vector<float> CpuRunner::project_hidden(std::span<const float> hidden) {
  std::vector<float> x(hidden.begin(), hidden.end()), y;
  if (weights_.fast_project_in.weight.rows == 0) return x;
  multiply(weights_.fast_project_in, x, y);
  return y;
}

std::vector<float> CpuRunner::embed_codes(std::span<const int32_t> codes) const {
  const int64_t width = weights_.fast.sizes.dim;
  std::vector<float> x(codes.size() * static_cast<size_t>(width));
  check_range(codes, weights_.fast_embeddings.rows);
  for (size_t i = 0; i < codes.size(); ++i)
    read_row(weights_.fast_embeddings, codes[i], x.data() + static_cast<int64_t>(i) * width);
  return x;
}

std::vector<float> CpuRunner::normed(const std::vector<float>& x, const std::vector<float>& weight,
                                     double eps) const {
  std::vector<float> y(x.size());
  const auto width = std::ssize(weight);
  for (int64_t from = 0; from < std::ssize(x); from += width) {
    kernels_.norm({.x = x.data() + from,
                   .weight = weight.data(),
                   .count = width,
                   .eps = static_cast<float>(eps)},
                  y.data() + from);
  }
  return y;
}

void CpuRunner::run_blocks(const CpuPart& part, const std::vector<Row>& rows,
                           std::vector<float>& x) {
  const double eps = part.sizes.norm_eps;
  for (int64_t layer = 0; layer < std::ssize(part.blocks); ++layer) {
    const CpuBlock& block = part.blocks[static_cast<size_t>(layer)];
    multiply(block.wqkv, normed(x, block.attention_norm, eps), qkv_);
    attention(part, layer, rows);
    multiply(block.wo, heads_, out_);
    add_to(x, out_);
    wide_ = normed(x, block.ffn_norm, eps);
    feed_forward(block, std::ssize(rows));
    add_to(x, out_);
  }
}

// qkv_ [n, H + 2 G, head_dim]: q and k are turned, k and v go into the caches.
void CpuRunner::rotate_and_keep(const CpuPart& part, int64_t layer, const std::vector<Row>& rows) {
  const BlockSizes& sizes = part.sizes;
  const int64_t width = sizes.head_dim;
  for (int64_t n = 0; n < std::ssize(rows); ++n) {
    const Row& row = rows[static_cast<size_t>(n)];
    float* qkv = qkv_.data() + n * sizes.qkv_dim();
    const float* turns = part.turns.data() + row.position * width;
    for (int64_t head = 0; head < sizes.n_head + sizes.n_local_heads; ++head)
      rotate(qkv + head * width, turns, width);
    for (int64_t group = 0; group < sizes.n_local_heads; ++group) {
      const float* k = qkv + (sizes.n_head + group) * width;
      std::copy_n(k, width, row.cache->k(layer, group) + row.position * width);
      std::copy_n(k + sizes.n_local_heads * width, width,
                  row.cache->v(layer, group) + row.position * width);
    }
  }
}

void CpuRunner::attention(const CpuPart& part, int64_t layer, const std::vector<Row>& rows) {
  const BlockSizes& sizes = part.sizes;
  rotate_and_keep(part, layer, rows);
  heads_.resize(rows.size() * static_cast<size_t>(sizes.dim));
  const int64_t groups = sizes.n_local_heads, heads = sizes.n_head / groups;
  const float scale = 1 / std::sqrt(static_cast<float>(sizes.head_dim));
  // Each piece, which is one kv head of one row, has room of its own.
  int64_t longest = 0;
  for (const Row& row : rows) longest = std::max(longest, row.position + 1);
  constexpr int64_t kAtOnce = 64;
  scores_.resize(static_cast<size_t>(std::min(kAtOnce, std::ssize(rows) * groups) * longest));
  const auto attend = [&](int64_t piece, float* scores) {
    const Row& row = rows[static_cast<size_t>(piece / groups)];
    const int64_t group = piece % groups, from = group * heads * sizes.head_dim;
    kernels_.attend(
        qkv_.data() + piece / groups * sizes.qkv_dim() + from, row.cache->k(layer, group),
        row.cache->v(layer, group),
        {.heads = heads, .head_dim = sizes.head_dim, .positions = row.position + 1, .scale = scale},
        scores, heads_.data() + piece / groups * sizes.dim + from);
  };
  const int64_t pieces = std::ssize(rows) * groups;
  for (int64_t begin = 0; begin < pieces; begin += kAtOnce) {
    team_->share(std::min(kAtOnce, pieces - begin), 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) attend(begin + i, scores_.data() + i * longest);
    });
  }
}

// wide_ [n, D] -> out_ [n, D].
void CpuRunner::feed_forward(const CpuBlock& block, int64_t count) {
  const kernels::Matrix &w1 = block.w1.weight, &w3 = block.w3.weight;
  if (count > kernels::Inputs::kMost) {
    multiply(block.w1, wide_, gated_);
    multiply(block.w3, wide_, qkv_);
    kernels_.gate(gated_.data(), qkv_.data(), std::ssize(gated_), gated_.data());
  } else {
    gated_.resize(static_cast<size_t>(count * w1.rows));
    qkv_.resize(gated_.size());
    inputs_.assign(wide_.data(), count, w1.columns, w1.format);
    team_->share(w1.rows, grain_of(w1), [&](int64_t first, int64_t last) {
      kernels_.multiply(w1, first, last, inputs_, gated_.data());
      kernels_.multiply(w3, first, last, inputs_, qkv_.data());
      for (int64_t from = first; from < count * w1.rows; from += w1.rows)
        kernels_.gate(gated_.data() + from, qkv_.data() + from, last - first, gated_.data() + from);
    });
  }
  multiply(block.w2, gated_, out_);
}

void CpuRunner::multiply(const CpuLinear& linear, const std::vector<float>& x,
                         std::vector<float>& y) {
  const kernels::Matrix& matrix = linear.weight;
  const int64_t count = std::ssize(x) / matrix.columns;
  y.resize(static_cast<size_t>(count * matrix.rows));
  if (count > kFew) {
    packed_.assign(x.data(), count, matrix.columns, *team_);
    kernels::multiply_many(kernels_, matrix, packed_, *team_, y.data());
  } else {
    for (int64_t from = 0; from < count; from += kernels::Inputs::kMost) {
      const int64_t some = std::min(kernels::Inputs::kMost, count - from);
      inputs_.assign(x.data() + from * matrix.columns, some, matrix.columns, matrix.format);
      team_->share(matrix.rows, grain_of(matrix), [&](int64_t first, int64_t last) {
        kernels_.multiply(matrix, first, last, inputs_, y.data() + from * matrix.rows);
      });
    }
  }
  if (linear.bias.empty()) return;
  for (int64_t i = 0; i < std::ssize(y); ++i)
    y[static_cast<size_t>(i)] += linear.bias[static_cast<size_t>(i % matrix.rows)];
}

}  // namespace koi::lm
