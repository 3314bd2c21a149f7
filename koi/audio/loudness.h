// How loud a recording is (LUFS), after ITU-R BS.1770-4 and EBU R128, and the gain to another
// loudness.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "koi/audio/audio_file.h"

namespace koi::audio {

enum class Meter {
  standard,    // libebur128: BS.1770-4 to the letter
  pyloudnorm,  // the reference's (pyloudnorm_meter.h); reads 0.03 to 0.16 LU lower
};

struct MeterOptions {
  Meter meter = Meter::standard;
  double block_s = 0.4;  // gating block; only the pyloudnorm meter takes another one
};

// Integrated loudness in LUFS; -infinity where every block is gated out (below -70 LUFS). The
// standard meter weighs five channels as L R C Ls Rs (surrounds 1.41) and from six on leaves the
// fourth (low frequencies) out. Throws Error(unsupported) where the audio is shorter than one block
// and where the meter does not take that many channels (pyloudnorm: 5) or that sample rate;
// Error(usage) for block_s outside 0.01 to 60, or other than 0.4 with the standard meter.
double integrated_loudness(const Audio<double>& audio, const MeterOptions& options);

// Highest absolute value between the samples, found by oversampling (BS.1770-4 annex 2); linear.
double true_peak(const Audio<double>& audio);

struct LoudnessOptions {
  MeterOptions meter{};
  double peak_db = -1.0;         // highest sample before measuring, dBFS
  double loudness_lufs = -23.0;  // target
  // Highest true peak afterwards, dBTP. Where the target would pass it the gain is lowered, so that
  // the recording stays quieter than the target.
  std::optional<double> true_peak_db{};
};

// Throws Error(usage) for a block size as integrated_loudness(), a peak over 0 dBFS, or levels that
// are no numbers in a sensible range (-100 to 0 dB, LUFS -70 to 0).
void check_loudness_options(const LoudnessOptions& options);

enum class LoudnessOutcome { normalized, silent, too_short };

struct LoudnessChange {
  LoudnessOutcome outcome = LoudnessOutcome::normalized;
  double before_lufs = 0;  // of the audio as it came
  double gain_db = 0;
  int64_t full_scale_samples = 0;  // samples at or over full scale afterwards
  bool limited = false;            // the gain was lowered for true_peak_db
};

// A recording that can be heard from its beginning more than once: each call of `play` hands all of
// it to `take`, in pieces of whole frames.
struct Playable {
  int channels;
  int sample_rate_hz;
  std::function<void(const std::function<void(std::span<const double>)>& take)> play;
};

struct LoudnessPlan {
  LoudnessChange change;  // but for full_scale_samples
  double peak_gain = 1;   // to peak_db
  double gain = 1;        // from there to the target

  // Scales samples; gives how many are at or over full scale then.
  int64_t apply(std::span<double> samples) const;
};

// What normalize_loudness() does to a recording, found by playing it two or three times in little
// memory (but with the pyloudnorm meter, which takes all of it at once).
LoudnessPlan plan_loudness(const Playable& recording, const LoudnessOptions& options);

// Scales all channels by one gain: first so that the highest sample is peak_db, then, measured
// there, to loudness_lufs, all in float64 (source: the spec's "Loudness"). Silence (no sample but
// 0, or after the first gain no block over -70 LUFS) and what is shorter than a block is only
// named: keep the samples only where the outcome is `normalized`. The peak is no limit: samples may
// pass full scale after the second gain. Throws as integrated_loudness(). Differs: the reference
// fills silent files with garbage and gives up at a short one.
LoudnessChange normalize_loudness(Audio<double>& audio, const LoudnessOptions& options);

}  // namespace koi::audio
