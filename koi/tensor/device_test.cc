#include "koi/tensor/device.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/base/parallel.h"

namespace koi::tensor {
namespace {

ErrorKind kind_of(const std::string& name) {
  try {
    choose_device(name);
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::internal;
}

TEST(Device, NamesAreChecked) {
  EXPECT_EQ(choose_device("cpu"), at::Device(at::kCPU));
  for (const char* name :
       {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "CPU", "cuda:99999999999"})
    EXPECT_EQ(kind_of(name), ErrorKind::usage) << name;
}

TEST(Device, AGpuThatIsNotThereIsUnsupported) {
  // No machine has so many.
  EXPECT_EQ(kind_of("cuda:120"), ErrorKind::unsupported);
}

TEST(Device, AutoAgreesWithCuda) {
  bool usable = true;
  try {
    choose_device("cuda");
  } catch (const Error&) {
    usable = false;
  }
  EXPECT_EQ(choose_device("auto").is_cuda(), usable);
}

TEST(Threads, ZeroMeansAllCores) {
  set_threads(1);
  EXPECT_EQ(at::get_num_threads(), 1);
  set_threads(0);
  EXPECT_EQ(at::get_num_threads(), static_cast<int>(base::usable_cores()));
  EXPECT_THROW(set_threads(-1), Error);
}

}  // namespace
}  // namespace koi::tensor
