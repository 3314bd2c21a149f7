// How long the recordings of a folder are: what `koi length` tells.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "koi/base/files.h"

namespace koi::audio {

struct LengthOptions {
  bool recursive = true;
  bool accurate = false;  // decode what has its length in a header too
  size_t workers = 10;    // threads, at most as many as cores
};

struct RecordingLength {
  base::fs::path path;  // relative to the folder
  double duration_s = 0;
  int sample_rate_hz = 0;
  std::string problem{};  // why it could not be read, one line; else empty
};

struct LengthReport {
  // In the order of base::list_files(); then, with a problem, what is called like one and is none.
  std::vector<RecordingLength> recordings;
  bool interrupted = false;  // a signal came: the last ones are missing
};

// Throws Error(not_found) where there is no such folder or no recording in it. `on_file` is called
// once a recording, from one thread at a time.
LengthReport measure_lengths(const base::fs::path& folder, const LengthOptions& options,
                             const std::function<void(const RecordingLength&)>& on_file = {});

// Of the readable ones. All are 0 where there is none.
struct LengthSummary {
  size_t count = 0;
  double total_s = 0, mean_s = 0, shortest_s = 0, longest_s = 0, mean_rate_hz = 0;
};
LengthSummary summarize(const std::vector<RecordingLength>& recordings);

}  // namespace koi::audio
