#include "koi/tensor/device.h"

#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
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

std::string first_line(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

// CUDA graphs (koi/tensor/cuda), which register themselves. Beside the program; tests lie in a
// folder below.
bool load_graphs() {
  std::error_code ignored;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  const auto above = folder.parent_path() / "libkoi_cuda.so";
  const auto library = std::filesystem::exists(above, ignored) ? above : folder / "libkoi_cuda.so";
  return ::dlopen(library.c_str(), RTLD_NOW) != nullptr;
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
                   std::string(::dlerror()) + "); run KOI_CUDA=1 scripts/setup, then make build"};
  }
  if (!load_graphs()) {
    return {0, "koi's GPU part is not built or does not load (" + std::string(::dlerror()) +
                   "); run make build"};
  }
  const auto& hooks = at::detail::getCUDAHooks();
  if (!hooks.hasCUDA()) {
    return {0, "the NVIDIA driver does not answer, or is older than CUDA 13 needs (580)"};
  }
  const int count = hooks.deviceCount();
  return {count, count == 0 ? "the driver shows no GPU" : ""};
}

// Why nothing can be computed there; empty where it can.
std::string reason_against(at::Device device) {
  try {
    at::ones({1}, device).add(1).item<float>();
    return {};
  } catch (const std::exception& error) {
    const std::string line = first_line(error);
    if (line.find("no kernel image") == std::string::npos) return line;
    return "the GPU is too old for this libtorch (" + line + "); it needs a GeForce 16 or newer";
  }
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
  const bool is_auto = name == "auto";
  const int index = is_auto ? 0 : gpu_index(name);
  const auto refuse = [&](const std::string& what, const std::string& remedy) -> at::Device {
    if (is_auto) return at::kCPU;
    throw Error(ErrorKind::unsupported, "--device " + name, what, remedy);
  };
  const Gpus gpus = find_gpus();
  if (gpus.count == 0) return refuse(gpus.missing, "or use --device cpu");
  if (index >= gpus.count)
    return refuse("this machine has " + std::to_string(gpus.count) + " GPUs", "count from 0");
  const at::Device device(at::kCUDA, static_cast<at::DeviceIndex>(index));
  const std::string reason = reason_against(device);
  if (!reason.empty()) return refuse(reason, "use another GPU or --device cpu");
  // libtorch lets convolutions round to 10 bits of mantissa otherwise, and codes would differ.
  at::globalContext().setAllowTF32CuDNN(false);
  // cuDNN plans its attention anew for every length, and keeps the plans (docs/performance.md).
  at::globalContext().setSDPUseCuDNN(false);
  return device;
}

int gpu_count() { return find_gpus().count; }

int64_t peak_device_bytes(at::Device device) {
  if (device.is_cpu()) return 0;
  const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  return stats.reserved_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
}

std::optional<std::string> explain_device_error(const std::exception& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) {
    return "the GPU's memory is full (" + first_line(error) +
           "); end other programs on it, take a smaller batch or a shorter maximum length, or use "
           "--device cpu";
  }
  if (dynamic_cast<const c10::AcceleratorError*>(&error) == nullptr) return std::nullopt;
  return "the GPU failed (" + first_line(error) + "); begin again, or use --device cpu";
}

void set_threads(int threads) {
  if (threads < 0) {
    throw Error(ErrorKind::usage, "--threads", std::to_string(threads) + " is negative",
                "0 uses all cores");
  }
  at::set_num_threads(threads > 0 ? threads : static_cast<int>(base::usable_cores()));
}

size_t thread_count() { return static_cast<size_t>(at::get_num_threads()); }

}  // namespace koi::tensor
