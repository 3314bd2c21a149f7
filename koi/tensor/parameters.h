// Named parameters: how modules of koi are loaded, saved and trained without torch::nn. A module
// lists its tensors under the checkpoint's own keys with one function `visit(prefix, visitor)`.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "koi/checkpoint/tensor_view.h"
#include "koi/tensor/torch.h"

namespace koi::tensor {

using ParameterVisitor = std::function<void(const std::string& name, at::Tensor& parameter)>;
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// Puts the file's tensors into the module: for every parameter the tensor of its name, which must
// have its shape; a missing, an extra or a wrong-shaped tensor is an Error(corrupt) naming `where`
// and the key. The parameters share the map's bytes unless `dtype` or `device` asks for other ones.
struct LoadOptions {
  at::ScalarType dtype = at::kFloat;
  at::Device device = at::kCPU;
};
void load_parameters(const std::function<void(const ParameterVisitor&)>& visit_module,
                     const checkpoint::StateDict& state, const LoadOptions& options,
                     const std::string& where);

}  // namespace koi::tensor
