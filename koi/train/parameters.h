// The model's parameters as a run sees them: in the order and the groups of the reference's
// optimizer and checkpoints.
#pragma once

#include <string>
#include <vector>

#include "koi/lm/model.h"

namespace koi::train {

struct Parameter {
  std::string name;  // "layers.0.attention.wqkv.lora_A"
  at::Tensor value;

  bool trained() const { return value.requires_grad(); }
  bool is_adapter() const;
  // Names with ".bias", "norm.weight" or ".embeddings." (behind "model.") get no weight decay;
  // codebook_embeddings and fast_embeddings do.
  bool decays() const;
};

// In module order: each weight, its bias, its lora_A and lora_B.
std::vector<Parameter> model_parameters(lm::DualAr& model);

// Those that decay, then the others: the reference's two parameter groups.
std::vector<Parameter> optimizer_order(const std::vector<Parameter>& parameters);

enum class TrainedPart { adapters, everything };

// Lets the part require gradients, and nothing else.
void choose_trained(lm::DualAr& model, TrainedPart part);

}  // namespace koi::train
