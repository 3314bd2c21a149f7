// What is in a checkpoint or an array, for people and scripts who ask.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "koi/base/files.h"

namespace koi::checkpoint {

// What one frame of codes lasts: 2048 samples at 44.1 kHz.
constexpr double kFrameSeconds = 2048.0 / 44100.0;

struct Fact {
  std::string name;
  std::variant<int64_t, double, std::string, std::vector<int64_t>> value;
};

// Facts about the whole, and about each of its parts in the file's order.
struct Description {
  struct Part {
    std::string name;
    std::vector<Fact> facts;
  };
  std::string kind;
  std::vector<Fact> facts;
  std::vector<Part> parts;
};

// A .pth, .ckpt or .safetensors file. Facts: tensors, parameters and bytes (of the model, without
// an optimizer's state), and where they are there epoch, global_step, lora_rank, and adapter.KEY
// for all that the file says of its adapter. Parts: every tensor under its keys joined by dots,
// with dtype and shape. Throws as load_pth and load_safetensors.
Description describe_checkpoint(const base::fs::path& path);

// Facts: dtype, shape, min and max; of a [codebooks, frames] array of whole numbers also codebooks,
// frames and seconds. Throws as read_npy.
Description describe_npy(const base::fs::path& path);

}  // namespace koi::checkpoint
