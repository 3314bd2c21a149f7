// safetensors: a JSON header behind its length, then the tensors' bytes. Source: the format's
// public description.
#pragma once

#include <map>
#include <string>

#include "koi/base/files.h"
#include "koi/checkpoint/tensor_view.h"

namespace koi::checkpoint {

struct SafetensorsFile {
  StateDict tensors;  // in the order of their bytes
  std::map<std::string, std::string> metadata;
};

SafetensorsFile load_safetensors(
    const base::fs::path& path);  // mapped; Error(corrupt) for gaps, overlaps, wrong sizes
void save_safetensors(const base::fs::path& path, const SafetensorsFile& file);

}  // namespace koi::checkpoint
