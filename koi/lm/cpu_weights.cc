#include "koi/lm/cpu_weights.h"

#include "koi/lm/rope.h"

namespace koi::lm {
namespace {

std::vector<float> to_floats(const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kFloat).contiguous();
  const float* data = values.const_data_ptr<float>();
  return {data, data + values.numel()};
}

kernels::Source source_of(const at::Tensor& weight) {
  const bool is_bf16 = weight.scalar_type() == at::kBFloat16;
  const at::Tensor plain = is_bf16 ? weight : weight.to(at::kFloat);
  const auto kept = std::make_shared<at::Tensor>(plain.to(at::kCPU).contiguous());
  return {.format = is_bf16 ? kernels::Format::bf16 : kernels::Format::f32,
          .rows = kept->size(0),
          .columns = kept->size(1),
          .values = kept->const_data_ptr(),
          .owner = kept};
}

// W + B A * scaling in fp32, for embeddings W + (B A)^T * scaling; W itself where there is no
// adapter.
template <typename Layer>
at::Tensor merged(const Layer& layer) {
  if (!layer.lora) return layer.weight;
  const auto wide = [](const at::Tensor& tensor) { return tensor.to(at::kFloat); };
  const auto product = at::matmul(wide(layer.lora->lora_B), wide(layer.lora->lora_A));
  constexpr bool kTransposed = std::is_same_v<Layer, Embedding>;
  return at::add(wide(layer.weight), kTransposed ? product.t() : product, layer.lora->scaling);
}

class Converter {
 public:
  Converter(kernels::Format format, kernels::Arena& arena, size_t threads)
      : format_(format), arena_(arena), threads_(threads) {}

  CpuLinear linear(const Linear& layer) const {
    CpuLinear result{.weight = matrix(merged(layer)), .bias = {}};
    if (layer.bias.defined()) result.bias = to_floats(layer.bias);
    return result;
  }
  kernels::Matrix matrix(const at::Tensor& weight) const {
    return kernels::make_matrix(source_of(weight), format_, arena_, threads_);
  }
  CpuPart part(const BlockSizes& sizes, const std::vector<Block>& blocks,
               const at::Tensor& norm) const {
    CpuPart result{
        .sizes = sizes, .blocks = {}, .norm = to_floats(norm), .output = {}, .turns = {}};
    for (const Block& block : blocks) {
      result.blocks.push_back({.wqkv = linear(block.attention.wqkv),
                               .wo = linear(block.attention.wo),
                               .w1 = linear(block.feed_forward.w1),
                               .w3 = linear(block.feed_forward.w3),
                               .w2 = linear(block.feed_forward.w2),
                               .attention_norm = to_floats(block.attention_norm),
                               .ffn_norm = to_floats(block.ffn_norm)});
    }
    return result;
  }

 private:
  kernels::Format format_;
  kernels::Arena& arena_;
  size_t threads_;
};

std::vector<float> turns_of(int64_t positions, const BlockSizes& sizes, double base) {
  return to_floats(at::view_as_real(rope_table(positions, sizes.head_dim, base)));
}

kernels::Matrix as_it_is(const Embedding& embedding) {
  return kernels::view_of(source_of(merged(embedding)));
}

}  // namespace

CpuWeights cpu_weights(const DualAr& model, const CpuFormats& formats, size_t threads) {
  const at::NoGradGuard no_gradients;
  const ModelConfig& config = model.config();
  kernels::Arena arena;
  const Converter slow(formats.slow, arena, threads), fast(formats.fast, arena, threads);
  const BlockSizes slow_part = slow_sizes(config), fast_part = fast_sizes(config);
  CpuWeights weights{.config = config,
                     .semantic_token_id = model.semantic_token_id(),
                     .embeddings = as_it_is(model.embeddings),
                     .codebook_embeddings = as_it_is(model.codebook_embeddings),
                     .fast_embeddings = as_it_is(model.fast_embeddings),
                     .slow = slow.part(slow_part, model.layers, model.norm),
                     .fast = fast.part(fast_part, model.fast_layers, model.fast_norm),
                     .fast_project_in = {}};
  weights.slow.output = model.output.weight.defined()
                            ? slow.linear(model.output)
                            : CpuLinear{slow.matrix(merged(model.embeddings)), {}};
  weights.fast.output = fast.linear(model.fast_output);
  if (model.fast_project_in.weight.defined())
    weights.fast_project_in = fast.linear(model.fast_project_in);
  weights.slow.turns = turns_of(config.max_seq_len, slow_part, config.rope_base);
  weights.fast.turns = turns_of(config.num_codebooks, fast_part, config.rope_base);
  return weights;
}

}  // namespace koi::lm
