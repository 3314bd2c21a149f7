#include "koi/audio/slice.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "koi/base/error.h"

namespace koi::audio {
namespace {

// Half to even, as Python's round().
int64_t round_half_even(double value) { return static_cast<int64_t>(std::nearbyint(value)); }

// What is taken out between two pieces, in frames; begin = end where nothing is.
struct Cut {
  int64_t begin;
  int64_t end;
};

class Slicer {
 public:
  Slicer(const std::vector<float>& rms, const SliceFrames& frames, double threshold)
      : rms_(rms), frames_(frames), threshold_(threshold) {}

  std::vector<Cut> cuts() const {
    std::vector<Cut> cuts;
    std::optional<int64_t> silence;  // where the present one began
    int64_t piece = 0;               // where the present one began
    const auto count = std::ssize(rms_);
    for (int64_t i = 0; i < count; ++i) {
      if (rms_[static_cast<size_t>(i)] < threshold_) {
        if (!silence) silence = i;
        continue;
      }
      if (!silence) continue;
      const bool leading = *silence == 0 && i > frames_.max_silence;
      const bool between = i - *silence >= frames_.min_silence && i - piece >= frames_.min_length;
      if (leading || between) {
        cuts.push_back(cut(*silence, i));
        piece = cuts.back().end;
      }
      silence.reset();
    }
    if (silence && count - *silence >= frames_.min_silence)
      cuts.push_back({quietest(*silence, *silence + frames_.max_silence), count});
    return cuts;
  }

 private:
  // The silence begins at `silence`, `loud` is the first frame behind it. Of a long silence
  // max_silence stays on both sides, each cut where it is quietest.
  Cut cut(int64_t silence, int64_t loud) const {
    const int64_t most = frames_.max_silence;
    if (loud - silence <= most) {
      const int64_t middle = quietest(silence, loud);
      return {silence == 0 ? 0 : middle, middle};
    }
    int64_t left = quietest(silence, silence + most);
    int64_t right = quietest(loud - most, loud);
    if (silence == 0) return {0, right};
    if (loud - silence <= 2 * most) {
      const int64_t middle = quietest(loud - most, silence + most);
      left = std::min(left, middle);
      right = std::max(right, middle);
    }
    return {left, right};
  }

  // The first of the lowest among frames first..last, the ends included.
  int64_t quietest(int64_t first, int64_t last) const {
    const auto end = rms_.begin() + std::min(last + 1, std::ssize(rms_));
    return std::min_element(rms_.begin() + first, end) - rms_.begin();
  }

  const std::vector<float>& rms_;
  const SliceFrames& frames_;
  double threshold_;
};

// Even parts that are not longer than `longest` (samples).
std::vector<Piece> cut_evenly(const std::vector<Piece>& pieces, double longest) {
  std::vector<Piece> parts;
  for (const Piece& piece : pieces) {
    const int64_t length = length_of(piece);
    if (length == 0) continue;
    const auto count = static_cast<int64_t>(std::ceil(static_cast<double>(length) / longest));
    const int64_t size = (length + count - 1) / count;
    Piece part;
    for (Span rest : piece) {
      while (rest.begin < rest.end) {
        const int64_t taken = std::min(rest.end - rest.begin, size - length_of(part));
        part.push_back({rest.begin, rest.begin + taken});
        rest.begin += taken;
        if (length_of(part) == size) parts.push_back(std::exchange(part, {}));
      }
    }
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

std::vector<Piece> merge(const std::vector<Piece>& pieces, double longest, MergeRules rules) {
  std::vector<Piece> merged;
  int64_t length = 0;
  for (const Piece& piece : pieces) {
    const int64_t more = length_of(piece);
    if (merged.empty() || static_cast<double>(length + more) > longest) {
      const bool counted = merged.empty() || rules == MergeRules::repaired;
      merged.push_back(piece);
      length = counted ? more : 0;
    } else {
      merged.back().insert(merged.back().end(), piece.begin(), piece.end());
      length += more;
    }
  }
  return merged;
}

}  // namespace

void check_slice_options(const SliceOptions& options) {
  constexpr double kDay = 86400;
  const auto require = [](bool holds, const char* option, double value, const char* expected) {
    if (holds) return;
    throw Error(ErrorKind::usage, option, "is " + std::to_string(value) + ", expected " + expected);
  };
  // Written so that a NaN fails.
  require(options.hop_s >= 0.001 && options.hop_s <= kDay, "--hop-length", 1000 * options.hop_s,
          "at least 1 ms");
  require(options.min_silence_s >= options.hop_s, "--min-silence-duration", options.min_silence_s,
          "at least the hop length");
  require(options.min_duration_s >= options.min_silence_s && options.min_duration_s <= kDay,
          "--min-duration", options.min_duration_s,
          "at least the minimum silence, at most a day (86400)");
  require(options.max_silence_s >= options.hop_s && options.max_silence_s <= kDay,
          "--max-silence-kept", options.max_silence_s,
          "at least the hop length, at most a day (86400)");
  require(options.max_duration_s >= 0.1 && options.max_duration_s <= kDay, "--max-duration",
          options.max_duration_s, "0.1 s to a day (86400)");
  require(options.top_db <= 0 && options.top_db >= -200, "--top-db", options.top_db,
          "-200 to 0 dB");
}

SliceFrames slice_frames(const SliceOptions& options, int sample_rate_hz) {
  const double rate = sample_rate_hz;
  const int64_t hop = round_half_even(rate * options.hop_s);
  if (hop < 1) {
    throw Error(ErrorKind::usage, "--hop-length",
                "is less than a sample at " + std::to_string(sample_rate_hz) + " Hz",
                "choose a longer one");
  }
  const auto in_frames = [&](double seconds) {
    return round_half_even(rate * seconds / static_cast<double>(hop));
  };
  return {.hop = hop,
          .window = std::min(round_half_even(rate * options.min_silence_s), 4 * hop),
          .min_length = in_frames(options.min_duration_s),
          .min_silence = in_frames(options.min_silence_s),
          .max_silence = in_frames(options.max_silence_s)};
}

std::vector<float> frame_rms(std::span<const float> samples, int64_t hop, int64_t window) {
  const auto size = std::ssize(samples);
  const int64_t before = window / 2;
  std::vector<float> rms;
  for (int64_t begin = -before; begin + window <= size + before; begin += hop) {
    double sum = 0;
    for (int64_t t = std::max<int64_t>(begin, 0); t < std::min(begin + window, size); ++t) {
      const double sample = samples[static_cast<size_t>(t)];
      sum += sample * sample;
    }
    rms.push_back(static_cast<float>(std::sqrt(sum / static_cast<double>(window))));
  }
  return rms;
}

std::vector<Span> cut_at_silences(std::span<const float> samples, int sample_rate_hz,
                                  const SliceOptions& options) {
  const SliceFrames frames = slice_frames(options, sample_rate_hz);
  const auto size = std::ssize(samples);
  if ((size + frames.hop - 1) / frames.hop <= frames.min_length) return {{0, size}};
  const std::vector<float> rms = frame_rms(samples, frames.hop, frames.window);
  std::vector<Span> pieces;
  const auto add = [&](int64_t begin, int64_t end) {
    if (begin < end) pieces.push_back({begin, end});
  };
  int64_t begin = 0;
  for (const Cut& cut : Slicer(rms, frames, std::pow(10, options.top_db / 20)).cuts()) {
    add(begin, std::min(cut.begin * frames.hop, size));
    begin = cut.end * frames.hop;
  }
  // A silence at the end is cut up to the last frame; what is left behind it is less than a hop.
  if (begin < std::ssize(rms) * frames.hop) add(begin, size);
  return pieces;
}

int64_t length_of(const Piece& piece) {
  return std::accumulate(piece.begin(), piece.end(), int64_t{0},
                         [](int64_t sum, const Span& span) { return sum + span.end - span.begin; });
}

std::vector<Piece> plan_pieces(std::span<const float> samples, int sample_rate_hz,
                               const SliceOptions& options) {
  check_slice_options(options);
  const double longest = options.max_duration_s * sample_rate_hz;
  const auto merged = [&](std::vector<Piece> pieces) {
    return options.merge_short ? merge(pieces, longest, options.rules) : pieces;
  };
  const auto size = std::ssize(samples);
  if (static_cast<double>(size) < options.min_duration_s * sample_rate_hz)
    return merged(cut_evenly({{{0, size}}}, longest));
  std::vector<Piece> pieces;
  for (const Span& span : cut_at_silences(samples, sample_rate_hz, options))
    pieces.push_back({span});
  return cut_evenly(merged(std::move(pieces)), longest);
}

}  // namespace koi::audio
