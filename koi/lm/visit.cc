// How the model lists its parameters.
#include "koi/lm/model.h"

namespace koi::lm {
namespace {

// Calls `layer(name, Linear or Embedding, adapted)` and `norm(name, tensor)` in the checkpoint's
// order.
template <typename OnLayer, typename OnNorm>
void walk_blocks(std::vector<Block>& blocks, const std::string& name, const OnLayer& layer,
                 const OnNorm& norm) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    Block& block = blocks[i];
    const std::string prefix = name + "." + std::to_string(i) + ".";
    layer(prefix + "attention.wqkv", block.attention.wqkv);
    layer(prefix + "attention.wo", block.attention.wo);
    layer(prefix + "feed_forward.w1", block.feed_forward.w1);
    layer(prefix + "feed_forward.w3", block.feed_forward.w3);
    layer(prefix + "feed_forward.w2", block.feed_forward.w2);
    norm(prefix + "ffn_norm.weight", block.ffn_norm);
    norm(prefix + "attention_norm.weight", block.attention_norm);
  }
}

template <typename OnLayer, typename OnNorm>
void walk(DualAr& model, const OnLayer& layer, const OnNorm& norm) {
  layer("embeddings", model.embeddings);
  layer("codebook_embeddings", model.codebook_embeddings);
  walk_blocks(model.layers, "layers", layer, norm);
  norm("norm.weight", model.norm);
  if (model.output.weight.defined()) layer("output", model.output);
  if (model.fast_project_in.weight.defined()) layer("fast_project_in", model.fast_project_in);
  layer("fast_embeddings", model.fast_embeddings);
  walk_blocks(model.fast_layers, "fast_layers", layer, norm);
  norm("fast_norm.weight", model.fast_norm);
  layer("fast_output", model.fast_output);
}

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

void ignore_norm(const std::string&, at::Tensor&) {}

}  // namespace

void DualAr::visit(const tensor::ParameterVisitor& visitor) {
  walk(*this,
       Overloaded{[&](const std::string& name, Linear& linear) {
                    visitor(name + ".weight", linear.weight);
                    if (linear.bias.defined()) visitor(name + ".bias", linear.bias);
                  },
                  [&](const std::string& name, Embedding& embedding) {
                    visitor(name + ".weight", embedding.weight);
                  }},
       visitor);
}

void DualAr::visit_adapted(const AdaptedVisitor& visitor) {
  walk(*this,
       Overloaded{[&](const std::string& name, Linear& linear) {
                    if (&linear != &fast_project_in) visitor.linear(name, linear);
                  },
                  [&](const std::string& name, Embedding& embedding) {
                    visitor.embedding(name, embedding);
                  }},
       ignore_norm);
}

void DualAr::visit_lora(const tensor::ParameterVisitor& visitor) {
  const auto visit_adapter = [&](const std::string& name, auto& layer) {
    if (!layer.lora) return;
    visitor(name + ".lora_A", layer.lora->lora_A);
    visitor(name + ".lora_B", layer.lora->lora_B);
  };
  visit_adapted({.linear = visit_adapter, .embedding = visit_adapter});
}

}  // namespace koi::lm
