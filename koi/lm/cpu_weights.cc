#include "koi/lm/cpu_weights.h"

#include "koi/base/error.h"
#include "koi/lm/rope.h"

namespace koi::lm {
namespace {

std::vector<float> to_vector(const at::Tensor& values) {
  const at::Tensor plain = values.contiguous();
  const float* data = plain.const_data_ptr<float>();
  return {data, data + plain.numel()};
}

// Takes the weights of the layers of a model out of a file.
class Converter {
 public:
  Converter(const WeightsFile& weights, const CpuFormats& formats, size_t threads)
      : weights_(weights), formats_(formats), maker_(weights, threads) {}

  CpuLinear linear(const std::string& name, const Linear& layer) {
    const std::string key = name + ".weight";
    CpuLinear result{.weight = maker_.make(key, layer.weight.size(1), format_for(key, formats_),
                                           addition_of(layer)),
                     .bias = {}};
    if (layer.bias.defined()) result.bias = vector(name + ".bias");
    return result;
  }

  // A view: a token reads one row.
  kernels::Matrix embedding(const std::string& name, const Embedding& layer) {
    const std::string key = name + ".weight";
    kernels::Matrix stored = stored_matrix(weights_, key, layer.weight.size(1));
    if (!layer.lora) return stored;
    return maker_.make(key, stored.columns, stored.format, addition_of(layer));
  }

  // Tied embeddings as an output layer.
  CpuLinear output(const std::string& name, const Embedding& layer) {
    return {.weight = maker_.make(name + ".weight", layer.weight.size(1), formats_.slow,
                                  addition_of(layer)),
            .bias = {}};
  }

  CpuPart part(const std::string& name, const BlockSizes& sizes, const std::vector<Block>& blocks) {
    CpuPart result{.sizes = sizes, .blocks = {}, .norm = {}, .output = {}, .turns = {}};
    for (size_t i = 0; i < blocks.size(); ++i) {
      const Block& block = blocks[i];
      const std::string prefix = name + "." + std::to_string(i) + ".";
      result.blocks.push_back({.wqkv = linear(prefix + "attention.wqkv", block.attention.wqkv),
                               .wo = linear(prefix + "attention.wo", block.attention.wo),
                               .w1 = linear(prefix + "feed_forward.w1", block.feed_forward.w1),
                               .w3 = linear(prefix + "feed_forward.w3", block.feed_forward.w3),
                               .w2 = linear(prefix + "feed_forward.w2", block.feed_forward.w2),
                               .attention_norm = vector(prefix + "attention_norm.weight"),
                               .ffn_norm = vector(prefix + "ffn_norm.weight")});
    }
    return result;
  }

  std::vector<float> vector(const std::string& key) const {
    return to_vector(stored_vector(weights_, key));
  }

 private:
  const WeightsFile& weights_;
  const CpuFormats& formats_;
  MatrixMaker maker_;
};

std::vector<float> turns_of(int64_t positions, const BlockSizes& sizes, double base) {
  return to_vector(at::view_as_real(rope_table(positions, sizes.head_dim, base)).to(at::kFloat));
}

CpuWeights convert(const DualAr& model, Converter from) {
  const at::NoGradGuard no_gradients;
  const ModelConfig& config = model.config();
  const BlockSizes slow = slow_sizes(config), fast = fast_sizes(config);
  CpuWeights weights{
      .config = config,
      .semantic_token_id = model.semantic_token_id(),
      .embeddings = from.embedding("embeddings", model.embeddings),
      .codebook_embeddings = from.embedding("codebook_embeddings", model.codebook_embeddings),
      .fast_embeddings = from.embedding("fast_embeddings", model.fast_embeddings),
      .slow = from.part("layers", slow, model.layers),
      .fast = from.part("fast_layers", fast, model.fast_layers),
      .fast_project_in = {}};
  weights.slow.norm = from.vector("norm.weight");
  weights.fast.norm = from.vector("fast_norm.weight");
  weights.slow.output = model.output.weight.defined() ? from.linear("output", model.output)
                                                      : from.output("embeddings", model.embeddings);
  weights.fast.output = from.linear("fast_output", model.fast_output);
  if (model.fast_project_in.weight.defined())
    weights.fast_project_in = from.linear("fast_project_in", model.fast_project_in);
  weights.slow.turns = turns_of(config.max_seq_len, slow, config.rope_base);
  weights.fast.turns = turns_of(config.num_codebooks, fast, config.rope_base);
  return weights;
}

}  // namespace

CpuWeights cpu_weights(const DualAr& model, const CpuFormats& formats, size_t threads) {
  const WeightsFile weights = weights_of(model);
  return convert(model, {weights, formats, threads});
}

CpuWeights load_cpu_weights(const base::fs::path& folder, const DualAr& model,
                            const std::optional<CpuFormats>& formats, size_t threads) {
  const WeightsFile weights = read_weights(folder);
  check_weights(weights, model);
  const CpuFormats own = formats_of(weights);
  if (formats && *formats != own && checkpoint::is_quantised(weights.tensors)) {
    throw Error(
        ErrorKind::unsupported, weights.path.string(),
        "holds " + name_of(own) + " weights, of which " + name_of(*formats) + " cannot be made",
        "take them as they are, or the checkpoint folder that they were made of");
  }
  return convert(model, {weights, formats.value_or(own), threads});
}

}  // namespace koi::lm
