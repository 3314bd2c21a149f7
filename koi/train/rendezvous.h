// Where the ranks of a run meet: the c10d side of ProcessGroup, apart from it because its headers
// are slow to compile.
#pragma once

#include <chrono>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>

#include "koi/base/error.h"
#include "koi/base/launch.h"

namespace koi::train {

// The groups of one run, each with connections of its own.
struct Groups {
  c10::intrusive_ptr<c10d::Backend> pulse;    // signs of life, with a short timeout
  c10::intrusive_ptr<c10d::Backend> numbers;  // small ones on the CPU
  c10::intrusive_ptr<c10d::Backend> tensors;  // the same as `numbers` unless nccl is asked for
};

struct RendezvousOptions {
  bool nccl = false;
  std::chrono::milliseconds join_timeout{30000};   // for all ranks to come
  std::chrono::milliseconds pulse_timeout{20000};  // of one sign of life
};

// Errors as ProcessGroup's constructor.
Groups meet(const base::Launch& launch, const RendezvousOptions& options);

// "rank 1 of 4", where errors of a group happen.
std::string rank_name(int rank, int world_size);

// What a c10d or gloo exception says, in one line without the place in its sources.
std::string reason(const std::exception& error);

}  // namespace koi::train
