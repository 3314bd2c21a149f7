// Parts cut out of a recording by their times.
#pragma once

#include <functional>
#include <vector>

#include "koi/audio/audio_file.h"

namespace koi::audio {

class RecordingParts {
 public:
  // Reads the whole recording. Throws as read_audio().
  explicit RecordingParts(const base::fs::path& path);

  // Writes seconds begin_s to end_s, whole or not at all: a WAV file in the recording's own
  // encoding where it is a WAV file, else in 24 bits. The end may pass the recording's by up to 0.1
  // s, times are rounded where they come from. Throws Error(corrupt) where the part is empty or
  // lies outside, Error(io).
  void write(double begin_s, double end_s, const base::fs::path& to) const;

 private:
  base::fs::path path_;
  Audio<double> audio_;
  int format_;
};

struct RecordingPart {
  double begin_s, end_s;
  base::fs::path to;
};

// The same for many parts of a recording of any length, in one pass that keeps one part in memory.
// The parts stand in their order and do not overlap; their ends may pass the recording's. What has
// more than 24 bits a sample loses the rest. `on_part` is called after each. Throws as
// stream_audio(), Error(corrupt) where a part is empty or lies outside, Error(io),
// base::Interrupted between two pieces where stop_requested().
void write_parts(const base::fs::path& recording, const std::vector<RecordingPart>& parts,
                 const std::function<void()>& on_part = {});

}  // namespace koi::audio
