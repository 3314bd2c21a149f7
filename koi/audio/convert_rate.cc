#include "koi/audio/convert_rate.h"

#include <soxr.h>

#include <numeric>

#include "koi/audio/resample.h"
#include "koi/base/error.h"

namespace koi::audio {

Audio<double> convert_rate(const Audio<double>& audio, int to_hz) {
  const int from_hz = audio.sample_rate_hz;
  for (const int rate_hz : {from_hz, to_hz}) {
    if (rate_hz < kMinRateHz || rate_hz > kMaxRateHz) {
      throw Error(ErrorKind::unsupported, "sample rate",
                  std::to_string(rate_hz) + " Hz is outside " + std::to_string(kMinRateHz) +
                      " to " + std::to_string(kMaxRateHz) + " Hz");
    }
  }
  if (from_hz == to_hz) return audio;
  const int64_t frames = (audio.frames() * to_hz + from_hz - 1) / from_hz;
  if (frames > kMaxSamples / audio.channels) {
    throw Error(ErrorKind::unsupported, "audio",
                "becomes longer than " + std::to_string(kMaxSamples) + " samples",
                "cut the recording into pieces");
  }
  // What libsoxr leaves at the end, by rounding, stays 0.
  Audio<double> out{audio.channels, to_hz,
                    std::vector<double>(static_cast<size_t>(frames * audio.channels))};
  const soxr_io_spec_t doubles = soxr_io_spec(SOXR_FLOAT64_I, SOXR_FLOAT64_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  const soxr_error_t error =
      soxr_oneshot(from_hz, to_hz, static_cast<unsigned>(audio.channels), audio.samples.data(),
                   static_cast<size_t>(audio.frames()), nullptr, out.samples.data(),
                   static_cast<size_t>(frames), nullptr, &doubles, &quality, nullptr);
  if (error != nullptr)
    throw Error(ErrorKind::internal, "sample rate", std::string("libsoxr: ") + error);
  return out;
}

Audio<double> mix_to_mono(const Audio<double>& audio) {
  Audio<double> mono{1, audio.sample_rate_hz, {}};
  mono.samples.reserve(static_cast<size_t>(audio.frames()));
  for (auto frame = audio.samples.begin(); frame != audio.samples.end(); frame += audio.channels)
    mono.samples.push_back(std::accumulate(frame, frame + audio.channels, 0.0) / audio.channels);
  return mono;
}

}  // namespace koi::audio
