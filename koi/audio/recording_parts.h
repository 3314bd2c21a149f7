// Parts cut out of a recording by their times.
#pragma once

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

}  // namespace koi::audio
