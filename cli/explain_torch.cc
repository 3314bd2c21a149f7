#include "cli/explain.h"
#include "koi/tensor/device.h"

namespace koi::cli {

std::optional<std::string> explain(const std::exception& error) {
  return tensor::explain_device_error(error);
}

}  // namespace koi::cli
