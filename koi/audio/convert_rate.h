// Sample-rate conversion of recordings that people keep, by libsoxr (high quality: 20 bits, the
// pass band up to 0.91 of the lower Nyquist frequency). The codec's codes depend on resample.h
// instead, whose every bit is the reference's.
#pragma once

#include "koi/audio/audio_file.h"

namespace koi::audio {

// ceil(frames * to / from) frames, all channels. Equal rates: a copy. Throws Error(unsupported) for
// rates outside kMinRateHz..kMaxRateHz and for more than kMaxSamples.
Audio<double> convert_rate(const Audio<double>& audio, int to_hz);

// The mean of the channels.
Audio<double> mix_to_mono(const Audio<double>& audio);

}  // namespace koi::audio
