// safetensors: a JSON header behind its length, then the tensors' bytes. Source: the format's
// public description.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "koi/base/files.h"
#include "koi/checkpoint/tensor_view.h"

namespace koi::checkpoint {

struct SafetensorsFile {
  StateDict tensors;  // in the order of their bytes
  std::map<std::string, std::string> metadata;
};

// Maps the file; tensors point into the map. Throws Error(corrupt) naming the tensor for gaps,
// overlaps, wrong sizes and damaged headers, Error(unsupported) for element types that are not in
// DType and for headers over 16 MiB.
SafetensorsFile load_safetensors(const base::fs::path& path);

// The same from bytes, which `owner` keeps.
SafetensorsFile parse_safetensors(std::string_view bytes, const std::shared_ptr<const void>& owner,
                                  const std::string& where);

// Whether the bytes begin as a safetensors file does: a length that fits, then a brace.
bool is_safetensors(std::string_view bytes);

// Writes the tensors row-major in their order, the first one at a multiple of 64 bytes, atomically
// and without a second copy of them in memory.
void save_safetensors(const base::fs::path& path, const SafetensorsFile& file);

}  // namespace koi::checkpoint
