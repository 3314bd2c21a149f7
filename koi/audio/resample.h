// Mono mix and sample-rate conversion, as torchaudio computes them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "koi/audio/audio_file.h"

namespace koi::audio {

// Mean of the channels, in float32.
std::vector<float> mono_mix(const Audio<float>& audio);

// Samples that `samples` become: ceil(float32(n * samples / o)), o and n being the rates divided by
// their greatest common divisor. The float32 is the reference's: for some lengths the result is one
// sample short of the exact value. Equal rates change nothing.
int64_t resampled_length(int64_t samples, int from_hz, int to_hz);

// Windowed-sinc interpolation: Hann window, 6 zero crossings, cut-off at 0.99 of the lower Nyquist
// frequency, kernel built in float32 in torchaudio's order of operations (source: the spec's
// "Encode" and torchaudio.functional.resample's documentation). Taps outside the window, which are
// zero, are left out: 13 to 30 multiplications a sample instead of some hundred. Equal rates: a
// copy. Throws Error(unsupported) for rates outside kMinRateHz..kMaxRateHz and for more than
// kMaxSamples output samples.
std::vector<float> resample(std::span<const float> samples, int from_hz, int to_hz);
inline constexpr int kMinRateHz = 1000;
inline constexpr int kMaxRateHz = 768'000;

// A file as one channel at `sample_rate_hz`: read, mixed, resampled. Throws as read_audio() and
// resample(), naming the file.
std::vector<float> load_mono(const base::fs::path& path, int sample_rate_hz);

}  // namespace koi::audio
