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

TEST(Device, WhatIsMissingIsSaid) {
  if (choose_device("auto").is_cuda()) return;
  try {
    choose_device("cuda");
    FAIL() << "accepted";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_THAT(text, testing::HasSubstr("--device cuda"));
    EXPECT_THAT(text, testing::HasSubstr("--device cpu"));
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
}

TEST(Device, ErrorsOfTheGpuAreExplained) {
  const auto explained = [](const std::exception& error) {
    return explain_device_error(error).value_or("not the GPU's");
  };
  const c10::SourceLocation here{"function", "file", 1};
  const std::string full =
      explained(c10::OutOfMemoryError(here, "CUDA out of memory. Tried to allocate 2.00 GiB."));
  EXPECT_THAT(full,
              testing::HasSubstr("memory is full (CUDA out of memory. Tried to allocate 2.00"));
  EXPECT_EQ(full.find('\n'), std::string::npos) << full;
  EXPECT_THAT(explained(c10::AcceleratorError(here, 700, "CUDA error: illegal address")),
              testing::HasSubstr("the GPU failed (CUDA error: illegal address)"));
  EXPECT_EQ(explained(std::runtime_error("x")), "not the GPU's");
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
