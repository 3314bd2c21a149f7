#include "koi/tensor/parameters.h"

#include <unordered_map>

#include "koi/base/error.h"
#include "koi/tensor/bridge.h"

namespace koi::tensor {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorKind::corrupt, where, what, "check that the file belongs to this configuration");
}

}  // namespace

void load_parameters(const std::function<void(const ParameterVisitor&)>& visit_module,
                     const checkpoint::StateDict& state, const LoadOptions& options,
                     const std::string& where) {
  std::unordered_map<std::string_view, const checkpoint::TensorView*> unused;
  for (const auto& [name, view] : state) unused.emplace(name, &view);
  visit_module([&](const std::string& name, at::Tensor& parameter) {
    const auto found = unused.find(name);
    if (found == unused.end()) refuse(where, "lacks the tensor " + name);
    const checkpoint::TensorView& view = *found->second;
    if (parameter.sizes() != at::IntArrayRef(view.shape)) {
      refuse(where, "the tensor " + name + " has the shape " + checkpoint::shape_text(view.shape) +
                        " instead of " + checkpoint::shape_text(parameter.sizes().vec()));
    }
    parameter = to_tensor(view).to(options.device, options.dtype);
    unused.erase(found);
  });
  for (const auto& [name, view] : state) {
    if (unused.contains(name)) refuse(where, "has the tensor " + name + ", which is not expected");
  }
}

}  // namespace koi::tensor
