// A checkpoint folder becomes one with smaller weights, which speaks but is not trained any more.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "koi/base/files.h"
#include "koi/lm/adapters.h"
#include "koi/lm/stored_weights.h"

namespace koi::lm {

struct QuantizeOptions {
  base::fs::path base;                    // checkpoint folder, of float weights
  CpuFormats formats;                     // of the linear layers; all else keeps its dtype
  std::vector<WeightedAdapter> adapters;  // merged in fp32 before, none or several
  base::fs::path output;                  // folder to make
  size_t threads = 1;
  std::function<void(size_t done, size_t total)> on_tensor = {};  // parameters of the model
};

struct QuantizeReport {
  size_t tensors = 0;  // in the file
  int64_t bytes = 0, base_bytes = 0;
  std::vector<std::string> copied;  // names of the files copied from the base
};

// Writes model.safetensors (docs/file_formats.md): the numbers that load_cpu_weights() makes of the
// base in these formats. Other files are copied as copy_companions() does. The folder appears whole
// or not at all. Throws what load_model, put_adapters and check_weights throw, Error(unsupported)
// for a base that is quantised already, Error(corrupt) for weights that are no numbers, Error(io)
// for an output folder that is there already, base::Interrupted when base::stop_requested().
// Differs: the reference loses biases and writes int8 only (model.pth, all other weights bfloat16).
QuantizeReport quantize_checkpoint(const QuantizeOptions& options);

}  // namespace koi::lm
