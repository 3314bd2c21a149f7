// A recording cut into pieces at its silences. Source: the reference's tools
// (fish-audio-preprocess, slice-audio-v2) as recorded in tests/goldens/data/slice; the spec's
// "Slicing".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace koi::audio {

enum class MergeRules {
  repaired,   // merged pieces never pass max_duration_s
  reference,  // the first piece behind a merged one is not counted, so that they may
};

struct SliceOptions {
  double min_duration_s = 5;  // no cut before a piece is that long
  double max_duration_s = 30;
  double min_silence_s = 0.3;  // a shorter one is no place to cut
  double top_db = -40;         // below this level (dB of full scale) a frame is silent
  double hop_s = 0.01;         // step between the frames that are measured
  double max_silence_s = 0.5;  // of silence that stays at both ends of a piece
  bool merge_short = false;    // join neighbours up to max_duration_s
  MergeRules rules = MergeRules::repaired;
};

// Throws Error(usage) unless 0.001 <= hop_s <= min_silence_s <= min_duration_s, hop_s <=
// max_silence_s, max_duration_s >= 0.1, top_db <= 0 and all are at most a day.
void check_slice_options(const SliceOptions& options);

// The options in samples and, but for the first two, in frames; rounded half to even.
struct SliceFrames {
  int64_t hop;
  int64_t window;
  int64_t min_length;
  int64_t min_silence;
  int64_t max_silence;
};
SliceFrames slice_frames(const SliceOptions& options, int sample_rate_hz);

// Root mean square of each window of `window` samples, centred on every hop-th sample, silence
// around the samples: 1 + N / hop values for even windows.
std::vector<float> frame_rms(std::span<const float> samples, int64_t hop, int64_t window);

struct Span {
  int64_t begin;  // samples of one channel
  int64_t end;
  bool operator==(const Span&) const = default;
};

// The parts between the silences; the whole where it is not longer than min_duration_s, nothing
// where all is silent.
std::vector<Span> cut_at_silences(std::span<const float> samples, int sample_rate_hz,
                                  const SliceOptions& options);

// A piece: its parts, one behind the other (several only where pieces were merged).
using Piece = std::vector<Span>;
int64_t length_of(const Piece& piece);

// Cut at the silences, then merged, then what is too long cut evenly. What is shorter than
// min_duration_s is only cut evenly, then merged. Throws as check_slice_options(), and Error(usage)
// where hop_s is less than a sample. Differs: see MergeRules.
std::vector<Piece> plan_pieces(std::span<const float> samples, int sample_rate_hz,
                               const SliceOptions& options);

}  // namespace koi::audio
