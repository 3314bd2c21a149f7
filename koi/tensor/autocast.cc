#include "koi/tensor/autocast.h"

#include <ATen/autocast_mode.h>

namespace koi::tensor {

std::optional<at::ScalarType> autocast_dtype(at::DeviceType device) {
  if (!at::autocast::is_autocast_enabled(device)) return std::nullopt;
  return at::autocast::get_autocast_dtype(device);
}

AutocastGuard::AutocastGuard(at::DeviceType device, std::optional<at::ScalarType> dtype)
    : device_(device),
      before_(autocast_dtype(device)),
      cached_before_(at::autocast::is_autocast_cache_enabled()) {
  set(dtype);
  at::autocast::set_autocast_cache_enabled(false);
}

AutocastGuard::~AutocastGuard() {
  set(before_);
  at::autocast::set_autocast_cache_enabled(cached_before_);
}

void AutocastGuard::set(std::optional<at::ScalarType> dtype) const {
  if (dtype) at::autocast::set_autocast_dtype(device_, *dtype);
  at::autocast::set_autocast_enabled(device_, dtype.has_value());
}

}  // namespace koi::tensor
