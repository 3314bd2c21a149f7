// Where in a recording somebody speaks, by its level alone.
#pragma once

#include <vector>

#include "koi/base/files.h"

namespace koi::align {

struct Stretch {
  double begin_s;
  double end_s;
  double duration_s() const { return end_s - begin_s; }
};

struct SpeechMap {
  double duration_s = 0;          // of the recording
  std::vector<Stretch> speech{};  // in order; between two of them lies a pause of 0.1 s or more
};

// Stretches of 30 ms and more that are louder than a threshold, which lies between the noise and
// the speech of the minute around: a third of the way (in dB) above what is quietest there, and at
// most 35 dB under what is loudest. Works on the channels' mean without what is under 60 Hz, in
// little memory whatever the length. Nothing is spoken where all is under -70 dB of full scale.
// Throws as audio::stream_audio(),
// base::Interrupted where stop_requested().
SpeechMap find_speech(const base::fs::path& recording);

}  // namespace koi::align
