#include "koi/tensor/autocast.h"

#include <ATen/autocast_mode.h>

namespace koi::tensor {

std::optional<at::ScalarType> autocast_dtype(at::DeviceType device) {
  if (!at::autocast::is_autocast_enabled(device)) return std::nullopt;
  return at::autocast::get_autocast_dtype(device);
}

AutocastGuard::AutocastGuard(at::DeviceType device, std::optional<at::ScalarType> dtype)
    : device_(device), before_(autocast_dtype(device)) {
  set(dtype);
  at::autocast::increment_nesting();
}

AutocastGuard::~AutocastGuard() {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  set(before_);
}

void AutocastGuard::set(std::optional<at::ScalarType> dtype) const {
  if (dtype) at::autocast::set_autocast_dtype(device_, *dtype);
  at::autocast::set_autocast_enabled(device_, dtype.has_value());
}

}  // namespace koi::tensor
