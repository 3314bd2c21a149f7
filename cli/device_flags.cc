#include "cli/device_flags.h"

#include <algorithm>

#include "koi/base/parallel.h"
#include "koi/tensor/device.h"

namespace koi::cli {

void DeviceFlags::add_to(CLI::App* command) {
  command->add_option("--device", device, "auto (a GPU where one is usable), cpu, cuda or cuda:N")
      ->capture_default_str();
  command->add_option("--threads", threads, "CPU threads; 0: all cores this process may use")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
}

at::Device DeviceFlags::apply(const base::Launch& launch) const {
  const int cores = static_cast<int>(base::usable_cores());
  const bool shared = threads == 0 && launch.local_size > 1;
  tensor::set_threads(shared ? std::max(1, cores / launch.local_size) : threads);
  const at::Device chosen = tensor::choose_device(device);
  if (chosen.is_cpu() || launch.alone() || device != "auto") return chosen;
  // Launchers may show each process a GPU of its own, which is number 0 then.
  return tensor::choose_device("cuda:" + std::to_string(launch.local_rank % tensor::gpu_count()));
}

}  // namespace koi::cli
