// libkoi_nccl.so: makes c10d's ProcessGroupNCCL. Apart from koi because it needs CUDA's headers and
// libtorch_cuda.so.
#define USE_C10D_NCCL  // libtorch_cuda.so was built with it

#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "koi/train/nccl_library.h"

extern "C" c10d::Backend* koi_new_nccl(const koi::train::NcclMember& member) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = member.timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(member.store, member.rank, member.world_size,
                                                     options)
      .release();
}
