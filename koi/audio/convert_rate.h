// Sample-rate conversion of recordings that people keep, by libsoxr (high quality: 20 bits, the
// pass band up to 0.91 of the lower Nyquist frequency). The codec's codes depend on resample.h
// instead, whose every bit is the reference's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "koi/audio/audio_file.h"

namespace koi::audio {

// A recording of any length at another rate, piece by piece; how it is cut into pieces changes no
// bit.
class RateConverter {
 public:
  // All samples are interleaved. `take` is called with those that are done. Throws
  // Error(unsupported) for rates outside kMinRateHz..kMaxRateHz.
  RateConverter(int channels, int from_hz, int to_hz,
                std::function<void(std::span<const double>)> take);
  ~RateConverter();
  RateConverter(const RateConverter&) = delete;
  RateConverter& operator=(const RateConverter&) = delete;

  void add(std::span<const double> samples);  // whole frames
  // Hands on the rest: ceil(frames * to / from) frames in all. Equal rates change nothing. Both
  // throw Error(unsupported) for more than kMaxSamples.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The whole of one that lies in memory.
Audio<double> convert_rate(const Audio<double>& audio, int to_hz);

// The mean of the channels.
std::vector<double> mix_to_mono(std::span<const double> samples, int channels);

}  // namespace koi::audio
