// The decoded recordings of a training on disk: waves.pcm, all samples one behind the other in 16
// bits, little-endian, and index.json.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "koi/base/files.h"

namespace koi::codec_train {

struct StoredRecording {
  std::string name;
  int64_t offset = 0, samples = 0;
};

struct StoreIndex {
  std::string key;  // of what was decoded
  double band_hz = 0;
  std::vector<StoredRecording> recordings;
  std::vector<std::string> left_out;  // a line each, for people
};

base::fs::path waves_path(const base::fs::path& store);

// Nothing where there is no sound index, another key's, or waves.pcm is not as long as it says.
std::optional<StoreIndex> read_index(const base::fs::path& store, const std::string& key);

struct StoreSource {
  base::fs::path folder;
  std::vector<std::string> names;  // below it
  int sample_rate_hz = 0;
  int64_t least_samples = 1;  // at that rate
  std::string key;
};

// Decodes the recordings into the store, which is made. `prepared` is told how many are done.
// Throws Error(io), Error(not_found) where a recording needs ffmpeg and there is none,
// base::Interrupted.
void write_store(const base::fs::path& store, const StoreSource& source,
                 const std::function<void(size_t files, size_t of)>& prepared);

}  // namespace koi::codec_train
