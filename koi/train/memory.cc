#include "koi/train/memory.h"

#include <algorithm>

#include "koi/train/block_memory.h"

namespace koi::train {
namespace {

// What is resident beside the model in a run over a tiny one: the program, libtorch, and what its
// kernels and their threads keep for themselves. Measured (docs/performance.md).
constexpr int64_t kProgramBytes = 165LL << 20;

// Of a GPU's memory, beside what its driver takes before anybody else: cuBLAS's workspaces, and
// what the allocator rounds up. An estimate.
constexpr int64_t kGpuBytes = 256LL << 20;

// A part of the model, in the order of the forward pass.
struct Stage {
  int64_t kept = 0;       // from its forward to its backward pass
  int64_t peak = 0;       // at its worst moment, kept or made again for backward included
  int64_t gradients = 0;  // of its weights
};

int64_t bytes_of(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<int64_t>(tensor.nbytes()) : 0;
}

struct ParameterBytes {
  int64_t all = 0, trained = 0, largest_trained = 0;

  void add(const at::Tensor& value) {
    all += bytes_of(value);
    if (!value.requires_grad()) return;
    trained += bytes_of(value);
    largest_trained = std::max(largest_trained, bytes_of(value));
  }
};

// Of those whose key has the prefix.
ParameterBytes parameter_bytes(lm::DualAr model, const std::string& prefix = "") {
  ParameterBytes bytes;
  const auto add = [&](const std::string& name, const at::Tensor& value) {
    if (name.starts_with(prefix)) bytes.add(value);
  };
  model.visit(add);
  model.visit_lora(add);
  return bytes;
}

// What turns rows of `width` values into logits and losses.
struct HeadShape {
  int64_t rows = 0, width = 0;
  int64_t logits_per_row = 0;
  int64_t cast_bytes = 0;  // of its matrix in the products' dtype, where it is another
  int64_t gradients = 0;   // bytes, of all that is trained in it
};

int64_t cast_bytes(const at::Tensor& weight, const TrainerOptions& options) {
  const auto products = options.mixed_precision ? at::kBFloat16 : at::kFloat;
  const bool is_cast = weight.scalar_type() == at::kChar || options.mixed_precision;
  return is_cast ? weight.numel() * static_cast<int64_t>(at::elementSize(products)) : 0;
}

// In float32: the logits' log softmax is kept for backward, and meets two gradients of its size
// there. Where the rows are too many they come in pieces: each is done, backward too, before the
// next, and leaves its part of the gradient of all rows.
Stage head_stage(const HeadShape& head, const TrainerOptions& options) {
  constexpr int64_t kFloatBytes = 4;
  const int64_t at_once = std::max<int64_t>(1, kLogitsAtOnce / head.logits_per_row);
  const bool in_pieces = head.rows > at_once;
  const int64_t rows = std::min(head.rows, at_once);
  const int64_t logits = kFloatBytes * rows * head.logits_per_row;
  const int64_t cast = head.cast_bytes + (options.mixed_precision ? logits / 2 : 0);
  const int64_t inputs = kFloatBytes * head.width * head.rows;
  const int64_t norm = 3 * kFloatBytes * head.width * rows;
  Stage stage;
  stage.kept = inputs + (in_pieces ? 0 : logits + norm + (options.mixed_precision ? cast : 0));
  stage.peak =
      inputs + norm + 3 * logits + cast + (in_pieces ? 2 * inputs + head.gradients : inputs);
  stage.gradients = head.gradients;
  return stage;
}

// Each stage in turn: what earlier ones keep, what it needs itself, and the gradients of later
// ones, which are done.
int64_t peak_of(const std::vector<Stage>& stages) {
  int64_t kept = 0, gradients = 0, peak = 0;
  for (const Stage& stage : stages) kept += stage.kept;
  for (auto stage = stages.rbegin(); stage != stages.rend(); ++stage) {
    kept -= stage->kept;
    gradients += stage->gradients;
    peak = std::max({peak, kept + gradients - stage->gradients + stage->peak, kept + gradients});
  }
  return peak;
}

struct BatchSize {
  int64_t tokens = 0, frames = 0;
  double squares = 0;  // sum of those of the samples' lengths

  void add(const dataset::RowSize& row) {
    frames += row.frames;
    for (const int64_t length : row.samples) {
      tokens += length;
      squares += static_cast<double>(length) * static_cast<double>(length);
    }
  }
};

class Estimator {
 public:
  Estimator(const lm::DualAr& model, const BatchShape& shape, const TrainerOptions& options)
      : model_(model),
        options_(options),
        slow_(measure_slow_block(model, options, shape.packed)),
        fast_(measure_fast_block(model, options)),
        all_(parameter_bytes(model)) {
    choose_batch(shape);
  }

  StepMemory estimate(bool recompute) const {
    int64_t step = peak_of(stages(recompute));
    // Gradients of the batches before; those of this one are added as they come.
    if (options_.accumulate_batches > 1) step += all_.trained;
    // The update divides by one more tensor.
    step = std::max(step, all_.trained + all_.largest_trained);
    return {.program = model_.device().is_cpu() ? kProgramBytes : kGpuBytes,
            .weights = all_.all,
            .optimizer = 2 * all_.trained,
            .step = step};
  }

 private:
  // What a row makes the blocks keep, which is what the rows differ in.
  int64_t cost(const dataset::RowSize& row) const {
    BatchSize size;
    size.add(row);
    return model_.config().n_layer * slow_.kept.at(size.tokens, size.squares) +
           model_.config().n_fast_layer * fast_.kept.at(size.frames, 0);
  }

  // The rows that cost the most; where there are too few, epochs follow each other in a batch.
  void choose_batch(const BatchShape& shape) {
    std::vector<std::pair<int64_t, size_t>> costs;
    for (size_t i = 0; i < shape.rows.size(); ++i) costs.emplace_back(-cost(shape.rows[i]), i);
    std::sort(costs.begin(), costs.end());
    for (int64_t i = 0; i < shape.rows_per_batch; ++i)
      size_.add(shape.rows[costs[static_cast<size_t>(i) % costs.size()].second]);
    size_.frames =
        static_cast<int64_t>(std::ceil(static_cast<double>(size_.frames) * options_.fast_frames));
  }

  int64_t gradients_of(const std::string& prefix) const {
    return parameter_bytes(model_, prefix).trained;
  }

  // Blocks whose keys begin with `prefix` and their number.
  void add_blocks(std::vector<Stage>& stages, const std::string& prefix, size_t count,
                  Stage one) const {
    for (size_t i = 0; i < count; ++i) {
      one.gradients = gradients_of(prefix + std::to_string(i) + ".");
      stages.push_back(one);
    }
  }

  std::vector<Stage> stages(bool recompute) const {
    const lm::ModelConfig& config = model_.config();
    const auto value_bytes = static_cast<int64_t>(at::elementSize(model_.dtype()));
    const int64_t slow_dim = lm::slow_sizes(config).dim;
    const int64_t fast_width = config.num_codebooks * lm::fast_sizes(config).dim;
    const int64_t slow_input = value_bytes * size_.tokens * slow_dim;
    const int64_t fast_input = value_bytes * size_.frames * fast_width;
    const bool tied = !model_.output.weight.defined();
    const int64_t table = gradients_of("embeddings.");

    // Embedding keeps the first block's input, and gets its gradient. A tied table's gradient is
    // there from the head on, and its second part comes here.
    std::vector<Stage> stages{
        {.kept = slow_input,
         .peak = 2 * slow_input + (tied ? table : 0),
         .gradients = (tied ? 0 : table) + gradients_of("codebook_embeddings.")}};
    add_blocks(stages, "layers.", model_.layers.size(),
               {.kept = recompute ? slow_input : slow_.kept.at(size_.tokens, size_.squares),
                .peak = slow_.peak.at(size_.tokens, size_.squares)});
    stages.push_back(
        {.kept = fast_input,
         .peak = 2 * fast_input + slow_input,
         .gradients = gradients_of("fast_embeddings.") + gradients_of("fast_project_in.")});
    add_blocks(stages, "fast_layers.", model_.fast_layers.size(),
               {.kept = recompute ? fast_input : fast_.kept.at(size_.frames, 0),
                .peak = fast_.peak.at(size_.frames, 0)});
    stages.push_back(head_stage(
        {.rows = size_.tokens,
         .width = slow_dim,
         .logits_per_row = config.vocab_size,
         .cast_bytes = cast_bytes(tied ? model_.embeddings.weight : model_.output.weight, options_),
         .gradients = tied ? table : gradients_of("output.")},
        options_));
    stages.push_back(head_stage({.rows = size_.frames,
                                 .width = fast_width,
                                 .logits_per_row = config.num_codebooks * config.codebook_size,
                                 .cast_bytes = cast_bytes(model_.fast_output.weight, options_),
                                 .gradients = gradients_of("fast_output.")},
                                options_));
    return stages;
  }

  const lm::DualAr& model_;
  TrainerOptions options_;
  BlockMemory slow_, fast_;
  ParameterBytes all_;
  BatchSize size_;
};

}  // namespace

MemoryEstimate estimate_memory(const lm::DualAr& model, const BatchShape& shape,
                               const TrainerOptions& options) {
  const Estimator estimator(model, shape, options);
  return {.kept = estimator.estimate(/*recompute=*/false),
          .recomputed = estimator.estimate(/*recompute=*/true)};
}

}  // namespace koi::train
