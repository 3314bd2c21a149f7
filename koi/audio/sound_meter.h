// All that is to be known of a recording's sound, from one pass in little memory.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "koi/audio/audio_file.h"

namespace koi::audio {

struct SoundFigures {
  int channels = 0;
  int sample_rate_hz = 0;
  int64_t frames = 0;
  // ITU-R BS.1770-4; -infinity where every block is under -70 LUFS; nothing under 0.4 s and for
  // rates and channels that libebur128 does not take.
  std::optional<double> loudness_lufs{};
  double true_peak = 0;  // linear; 0 where there is no loudness for its rate and channels
  double rms = 0;        // without the offset
  double dc_offset = 0;  // mean of the channel where it is largest, signed; full scale is 1
  // Samples in runs of three and more that are equal and at least 0.99 of full scale.
  int64_t clipped_samples = 0;
  // Frames in front of the first and behind the last stretch of 10 ms that is less than 40 dB
  // quieter (without its mean) than the loudest one. No more than `frames` together.
  int64_t silent_head = 0, silent_tail = 0;
  int64_t silent_frames = 0;  // of all stretches that are so quiet, pauses too
  double bandwidth_hz = 0;    // see BandwidthMeter; of the channels' mean
  // SHA-256 (a chain over pieces) of channels, rate and samples as 32-bit floats: equal for copies
  // in other lossless containers and encodings that hold the same samples.
  std::string hash{};
  // The highest absolute sample of each part of the recording, 255 for full scale: 128 to 256
  // equal parts, fewer where it is shorter than 256 times 64 frames.
  std::vector<uint8_t> envelope{};

  double duration_s() const { return static_cast<double>(frames) / sample_rate_hz; }
  double head_s() const { return static_cast<double>(silent_head) / sample_rate_hz; }
  double tail_s() const { return static_cast<double>(silent_tail) / sample_rate_hz; }
};

// Reads the recording. Throws as read_audio().
SoundFigures measure_sound(const base::fs::path& path);

// The same of samples that are in memory.
SoundFigures measure_sound(const Audio<float>& audio);

}  // namespace koi::audio
