#include "koi/train/step_flops.h"

#include <algorithm>
#include <vector>

#include "koi/train/losses.h"

namespace koi::train {
namespace {

bool is_trained(const at::Tensor& tensor) { return tensor.defined() && tensor.requires_grad(); }

// Counts while walking up the model.
struct Counter {
  bool flows = false;  // whether gradients of the present values are wanted
  StepFlops sum = {};

  // What was counted beside this, and is added to the same values.
  void join(const Counter& other) {
    sum += other.sum;
    flows = flows || other.flows;
  }

  // `rows` values times a matrix.
  void product(double rows, const at::Tensor& matrix) {
    const double size = 2 * rows * static_cast<double>(matrix.numel());
    sum.forward += size;
    if (flows) sum.backward += size;
    if (is_trained(matrix)) sum.backward += size;
    flows = flows || is_trained(matrix);
  }

  void linear(const lm::Linear& layer, double rows) {
    Counter adapter{flows};
    product(rows, layer.weight);
    if (layer.lora) {
      adapter.product(rows, layer.lora->lora_A);
      adapter.product(rows, layer.lora->lora_B);
    }
    join(adapter);
    flows = flows || is_trained(layer.bias);
  }

  // The same table as the output of tied embeddings.
  void project(const lm::Embedding& table, double rows) {
    Counter adapter{flows};
    product(rows, table.weight);
    if (table.lora) {
      adapter.product(rows, table.lora->lora_B);
      adapter.product(rows, table.lora->lora_A);
    }
    join(adapter);
  }

  // A look-up, where only the second half of an adapter is a product.
  void look_up(const lm::Embedding& table, double rows) {
    flows = flows || is_trained(table.weight);
    if (!table.lora) return;
    Counter adapter{is_trained(table.lora->lora_A)};
    adapter.product(rows, table.lora->lora_B);
    join(adapter);
  }

  // `pairs` of a query and a key that it sees, in each head: scores and their sum of values.
  void attention(const lm::BlockSizes& sizes, double pairs) {
    const double forward = 2 * 2 * pairs * static_cast<double>(sizes.n_head * sizes.head_dim);
    sum.forward += forward;
    if (flows) sum.backward += 2 * forward;
  }
};

// What the columns of a block are.
struct Columns {
  double rows = 0;
  double pairs = 0;
};

void count_block(Counter& counter, const lm::Block& block, const lm::BlockSizes& sizes,
                 const Columns& columns) {
  counter.flows = counter.flows || is_trained(block.attention_norm);
  counter.linear(block.attention.wqkv, columns.rows);
  counter.attention(sizes, columns.pairs);
  counter.linear(block.attention.wo, columns.rows);
  counter.flows = counter.flows || is_trained(block.ffn_norm);
  Counter gate{counter.flows};
  gate.linear(block.feed_forward.w1, columns.rows);
  counter.linear(block.feed_forward.w3, columns.rows);
  counter.join(gate);
  counter.linear(block.feed_forward.w2, columns.rows);
}

// Calls `count`, whose forward part is done again in backward where `again` and gradients flow.
template <typename Count>
void count_again(Counter& counter, bool again, const Count& count) {
  const double before = counter.sum.forward;
  const bool twice = again && counter.flows;
  count();
  if (twice) counter.sum.recomputed += counter.sum.forward - before;
}

void count_blocks(Counter& counter, const std::vector<lm::Block>& blocks,
                  const lm::BlockSizes& sizes, const Columns& columns, bool recompute) {
  for (const lm::Block& block : blocks)
    count_again(counter, recompute, [&] { count_block(counter, block, sizes, columns); });
}

// More logits than kLogitsAtOnce are made in parts, and again in backward.
bool is_in_parts(double rows, int64_t logits_per_row) {
  return rows > static_cast<double>(std::max<int64_t>(1, kLogitsAtOnce / logits_per_row));
}

// Lengths of the samples, padding left out.
std::vector<int64_t> lengths_of(const Batch& batch) {
  if (!batch.segments.empty()) return batch.segments;
  std::vector<int64_t> lengths;
  for (int64_t row = 0; row < batch.tokens.size(0); ++row) {
    const int64_t padded =
        batch.padding.defined() ? batch.padding[row].sum().item<int64_t>() : int64_t{0};
    lengths.push_back(batch.tokens.size(2) - padded);
  }
  return lengths;
}

Columns slow_columns(const std::vector<int64_t>& lengths) {
  Columns columns;
  for (const int64_t length : lengths) {
    const auto n = static_cast<double>(length);
    columns.rows += n;
    columns.pairs += n * (n + 1) / 2;
  }
  return columns;
}

// Positions that have a next frame, as DualAr::forward_hidden chooses them.
double count_frames(const Batch& batch, int64_t codebooks) {
  const int64_t inputs = std::max<int64_t>(codebooks - 1, 1);
  const auto next = batch.tokens.slice(1, 1, 1 + inputs).slice(2, 1).ne(0).any(1);  // [B, T-1]
  auto count = next.sum().item<int64_t>();
  int64_t end = 0;
  for (size_t i = 0; i + 1 < batch.segments.size(); ++i) {
    end += batch.segments[i];
    count -= next[0][end - 1].item<bool>() ? 1 : 0;  // the next sample's first frame
  }
  return static_cast<double>(count);
}

}  // namespace

StepFlops& StepFlops::operator+=(const StepFlops& other) {
  forward += other.forward;
  backward += other.backward;
  recomputed += other.recomputed;
  return *this;
}

StepFlops count_flops(const lm::DualAr& model, const Batch& batch, bool recompute,
                      double fast_frames) {
  const lm::ModelConfig& config = model.config();
  const auto codebooks = static_cast<double>(config.num_codebooks);
  const double frames = count_frames(batch, config.num_codebooks) * fast_frames;
  const double labels = count_labels(batch).tokens;
  const Columns slow = slow_columns(lengths_of(batch));
  const Columns fast{.rows = frames * codebooks, .pairs = frames * codebooks * (codebooks + 1) / 2};

  Counter counter, codes;
  counter.look_up(model.embeddings, slow.rows);
  codes.look_up(model.codebook_embeddings, slow.rows);
  counter.join(codes);
  count_blocks(counter, model.layers, lm::slow_sizes(config), slow, recompute);

  Counter head{counter.flows || is_trained(model.norm)};
  count_again(head, is_in_parts(labels, config.vocab_size), [&] {
    model.output.weight.defined() ? head.linear(model.output, labels)
                                  : head.project(model.embeddings, labels);
  });

  if (model.fast_project_in.weight.defined()) counter.linear(model.fast_project_in, frames);
  Counter next_codes;
  next_codes.look_up(model.fast_embeddings, frames * (codebooks - 1));
  counter.join(next_codes);
  count_blocks(counter, model.fast_layers, lm::fast_sizes(config), fast, recompute);
  counter.flows = counter.flows || is_trained(model.fast_norm);
  count_again(counter, is_in_parts(frames, config.num_codebooks * config.codebook_size),
              [&] { counter.linear(model.fast_output, fast.rows); });
  counter.sum += head.sum;
  return counter.sum;
}

}  // namespace koi::train
