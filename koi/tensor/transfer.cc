#include "koi/tensor/transfer.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace koi::tensor {

at::Tensor staging(at::IntArrayRef shape, at::ScalarType dtype, at::Device device) {
  return at::empty(shape, at::device(at::kCPU).dtype(dtype).pinned_memory(!device.is_cpu()));
}

at::Tensor upload(const at::Tensor& values, at::Device device) {
  if (device.is_cpu() || !values.is_cpu()) return values.to(device);
  // The memory is not used again before the device has read it: libtorch sees to that.
  at::Tensor copy = staging(values.sizes(), values.scalar_type(), device);
  return copy.copy_(values).to(device, /*non_blocking=*/true);
}

void wait_for(at::Device device) {
  if (device.is_cpu()) return;
  c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

OwnStream::OwnStream(at::Device device) {
  if (!device.is_cpu())
    stream_ = c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device);
}

void LateReads::push(const at::Tensor& source) {
  Copy copy{.values = staging(source.sizes(), source.scalar_type(), device_), .done = {}};
  copy.values.copy_(source, /*non_blocking=*/true);
  if (!device_.is_cpu()) {
    copy.done.emplace(device_.type());
    copy.done->record(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
  }
  copies_.push_back(std::move(copy));
}

at::Tensor LateReads::pop() {
  const Copy copy = std::move(copies_.front());
  copies_.pop_front();
  if (copy.done) copy.done->synchronize();
  return copy.values;
}

}  // namespace koi::tensor
