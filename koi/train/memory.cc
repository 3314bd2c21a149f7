#include "koi/train/memory.h"

#include <algorithm>
#include <fstream>
#include <string>

#include "koi/base/error.h"
#include "koi/train/losses.h"

namespace koi::train {
namespace {

// A block keeps for each position: the norms' inputs in fp32 and their outputs (2 x 3 widths), the
// inputs of wqkv, wo, w1 with w3, w2 after dropout, the residuals (6 widths), q, k, v before and
// after the rotation, and four rows of the feed-forward; and the weights of the attention (scores,
// softmax, mask) over the positions it sees.
int64_t block_values(const lm::BlockSizes& sizes, int64_t seen) {
  return 12 * sizes.dim + 2 * sizes.qkv_dim() + 5 * sizes.intermediate_size +
         3 * sizes.n_head * seen;
}

// Logits, their fp32 copy, and log softmax, of both heads, for as many rows as are made at once.
int64_t logit_bytes(const lm::ModelConfig& config, const StepShape& shape) {
  const int64_t rows = shape.batch * shape.tokens;
  const auto made = [&](int64_t a_row) { return std::min(rows * a_row, kLogitsAtOnce); };
  return 3 * shape.bytes_per_value *
         (made(config.vocab_size) + made(config.num_codebooks * config.codebook_size));
}

int64_t bytes_of(const StepShape& shape, int64_t values_a_token) {
  return shape.batch * shape.tokens * shape.bytes_per_value * values_a_token;
}

int64_t first_number(const char* path, const std::string& label) {
  std::ifstream file(path);
  std::string word;
  while (!label.empty() && file >> word && word != label) {
  }
  int64_t value = -1;
  file >> value;
  return file ? value : -1;
}

}  // namespace

int64_t activation_bytes(const lm::ModelConfig& config, const StepShape& shape) {
  const lm::BlockSizes slow = lm::slow_sizes(config), fast = lm::fast_sizes(config);
  const int64_t codebooks = config.num_codebooks;
  const int64_t slow_part = config.n_layer * block_values(slow, shape.tokens);
  const int64_t fast_part = config.n_fast_layer * codebooks * block_values(fast, codebooks);
  return bytes_of(shape, slow_part + fast_part) + logit_bytes(config, shape);
}

int64_t recomputed_bytes(const lm::ModelConfig& config, const StepShape& shape) {
  const lm::BlockSizes slow = lm::slow_sizes(config), fast = lm::fast_sizes(config);
  const int64_t codebooks = config.num_codebooks;
  const int64_t inputs = config.n_layer * slow.dim + config.n_fast_layer * codebooks * fast.dim;
  const int64_t layer =
      std::max(block_values(slow, shape.tokens), codebooks * block_values(fast, codebooks));
  return bytes_of(shape, inputs + layer) + logit_bytes(config, shape);
}

int64_t available_memory_bytes() {
  const int64_t kib = first_number("/proc/meminfo", "MemAvailable:");
  if (kib < 0) throw Error(ErrorKind::io, "/proc/meminfo", "does not say MemAvailable");
  int64_t bytes = kib * 1024;
  const int64_t limit = first_number("/sys/fs/cgroup/memory.max", "");
  const int64_t used = first_number("/sys/fs/cgroup/memory.current", "");
  if (limit > 0 && used >= 0) bytes = std::min(bytes, std::max<int64_t>(limit - used, 0));
  return bytes;
}

}  // namespace koi::train
