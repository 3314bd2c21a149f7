#include "koi/checkpoint/weights_file.h"

#include <algorithm>

#include "koi/base/error.h"
#include "koi/checkpoint/pth.h"
#include "koi/checkpoint/safetensors.h"

namespace koi::checkpoint {

base::fs::path find_weights(const base::fs::path& folder) {
  const base::fs::path stored = folder / kStoredWeights, published = folder / kPublishedWeights;
  if (!base::fs::exists(stored)) return published;
  if (base::fs::exists(published)) {
    throw Error(ErrorKind::config, folder.string(),
                std::string("holds both ") + kPublishedWeights + " and " + kStoredWeights,
                "keep the one that is meant");
  }
  return stored;
}

WeightsFile load_weights(const base::fs::path& folder) {
  const base::fs::path path = find_weights(folder);
  const bool stored = path.filename() == kStoredWeights;
  SafetensorsFile file =
      stored ? load_safetensors(path) : SafetensorsFile{load_state_dict(path), {}};
  const auto layout = file.metadata.find(kLayoutKey);
  if (layout != file.metadata.end() && layout->second != kLayout) {
    throw Error(ErrorKind::unsupported, path.string(),
                "has the layout " + layout->second + ", known is " + kLayout,
                "a later koi wrote it: update this one");
  }
  const void* map = file.tensors.empty() ? nullptr : file.tensors.front().second.owner.get();
  return {.path = path,
          .tensors = std::move(file.tensors),
          .metadata = std::move(file.metadata),
          .map = map};
}

bool is_quantised(const StateDict& tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const auto& entry) {
    return entry.first.ends_with(".weight") &&
           (entry.second.dtype == DType::i8 || entry.second.dtype == DType::u8);
  });
}

void require_full_weights(const WeightsFile& file) {
  if (!is_quantised(file.tensors)) return;
  throw Error(ErrorKind::unsupported, file.path.string(),
              "holds quantised weights, which can speak, but not be trained, merged or converted",
              "give the checkpoint folder that they were made of");
}

}  // namespace koi::checkpoint
