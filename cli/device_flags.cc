#include "cli/device_flags.h"

#include "koi/tensor/device.h"

namespace koi::cli {

void DeviceFlags::add_to(CLI::App* command) {
  command->add_option("--device", device, "auto (a GPU where one is usable), cpu, cuda or cuda:N")
      ->capture_default_str();
  command->add_option("--threads", threads, "CPU threads; 0: all cores this process may use")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
}

at::Device DeviceFlags::apply() const {
  tensor::set_threads(threads);
  return tensor::choose_device(device);
}

}  // namespace koi::cli
