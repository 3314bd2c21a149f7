// NCCL out of libkoi_nccl.so, which is built beside the programs only where libtorch's GPU part is
// installed: koi itself is built and runs without any of it.
#pragma once

#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace koi::train {

struct NcclMember {
  c10::intrusive_ptr<c10d::Store> store;
  int rank = 0, world_size = 1;
  std::chrono::milliseconds timeout{0};
};

// c10d's ProcessGroupNCCL. Throws Error(unsupported) where the library is missing or does not load.
c10::intrusive_ptr<c10d::Backend> make_nccl(const NcclMember& member);

// What libkoi_nccl.so exports under this name: the group with one reference, which the caller owns.
using NewNccl = c10d::Backend* (*)(const NcclMember& member);
inline constexpr const char* kNewNcclName = "koi_new_nccl";

}  // namespace koi::train
