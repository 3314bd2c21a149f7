#include "koi/tensor/device.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <charconv>
#include <filesystem>

#include "koi/base/error.h"
#include "koi/base/parallel.h"

namespace koi::tensor {
namespace {

constexpr std::string_view kCuda = "cuda";

// Loading the GPU's half of libtorch costs 0.3 s and 500 MB, so it is not tried in vain.
bool has_driver() {
  std::error_code ignored;
  return std::filesystem::exists("/dev/nvidiactl", ignored) ||
         std::filesystem::exists("/proc/driver/nvidia", ignored);
}

// How many GPUs libtorch can use; the reason where it can use none.
struct Gpus {
  int count = 0;
  std::string missing;
};

Gpus find_gpus() {
  if (!has_driver()) return {0, "this machine has no NVIDIA driver"};
  // Its start-up code registers the GPU's kernels with the libtorch that is here already.
  if (::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    return {0, "libtorch's GPU part is not installed or does not load (" +
                   std::string(::dlerror()) + "); run scripts/setup with KOI_CUDA=1"};
  }
  const auto& hooks = at::detail::getCUDAHooks();
  if (!hooks.hasCUDA()) return {0, "libtorch's GPU part finds no usable driver"};
  const int count = hooks.deviceCount();
  return {count, count == 0 ? "the driver shows no GPU" : ""};
}

[[noreturn]] void refuse_name(const std::string& name) {
  throw Error(ErrorKind::usage, "--device", "'" + printable(name) + "' is unknown",
              "use auto, cpu, cuda or cuda:N");
}

// The number of "cuda:N", 0 for "cuda".
int gpu_index(const std::string& name) {
  if (name == kCuda) return 0;
  if (name.rfind("cuda:", 0) != 0) refuse_name(name);
  int index = -1;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + 5, end, index);
  if (error != std::errc() || stop != end || index < 0) refuse_name(name);
  return index;
}

}  // namespace

at::Device choose_device(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  if (name == "auto") return find_gpus().count > 0 ? at::Device(at::kCUDA, 0) : at::kCPU;
  const int index = gpu_index(name);
  const Gpus gpus = find_gpus();
  if (gpus.count == 0) {
    throw Error(ErrorKind::unsupported, "--device " + name, gpus.missing, "or use --device cpu");
  }
  if (index >= gpus.count) {
    throw Error(ErrorKind::unsupported, "--device " + name,
                "this machine has " + std::to_string(gpus.count) + " GPUs, counted from 0");
  }
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

int gpu_count() { return find_gpus().count; }

void set_threads(int threads) {
  if (threads < 0) {
    throw Error(ErrorKind::usage, "--threads", std::to_string(threads) + " is negative",
                "0 uses all cores");
  }
  at::set_num_threads(threads > 0 ? threads : static_cast<int>(base::usable_cores()));
}

size_t thread_count() { return static_cast<size_t>(at::get_num_threads()); }

}  // namespace koi::tensor
