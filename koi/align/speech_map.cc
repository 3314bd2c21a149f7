#include "koi/align/speech_map.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include "koi/audio/audio_stream.h"
#include "koi/base/interrupt.h"

namespace koi::align {
namespace {

constexpr double kHopS = 0.01;
constexpr double kShortestPauseS = 0.1;
constexpr double kShortestSpeechS = 0.03;  // a click is shorter
constexpr float kSilenceDb = -70;

// Levels (dB of full scale) of stretches of 10 ms.
struct Levels {
  double hop_s = kHopS;
  double duration_s = 0;
  std::vector<float> db{};
};

class LevelMeter {
 public:
  void begin(const audio::AudioInfo& info) {
    channels_ = static_cast<size_t>(info.channels);
    rate_hz_ = info.sample_rate_hz;
    hop_ = std::max<int64_t>(1, std::llround(rate_hz_ * kHopS));
    // One pole, so that hum, steps and an offset do not count.
    constexpr double kLowestHz = 60;
    keep_ = std::exp(-2 * std::numbers::pi * kLowestHz / rate_hz_);
  }

  void take(std::span<const float> samples) {
    if (base::stop_requested())
      throw base::Interrupted("align", "stopped", "the same command goes on from here");
    for (size_t t = 0; t + channels_ <= samples.size(); t += channels_) {
      double sample = 0;
      for (size_t c = 0; c < channels_; ++c) sample += samples[t + c];
      sample /= static_cast<double>(channels_);
      const double high = sample - low_;
      low_ = keep_ * low_ + (1 - keep_) * sample;
      energy_ += high * high;
      if (++filled_ == hop_) {
        levels_.db.push_back(static_cast<float>(energy_ / static_cast<double>(hop_)));
        energy_ = 0;
        filled_ = 0;
      }
    }
  }

  // Each with the mean of its neighbours.
  Levels levels(int64_t frames) && {
    constexpr float kQuietest = 1e-12F;
    std::vector<float>& power = levels_.db;
    float before = power.empty() ? 0 : power.front();
    for (size_t i = 0; i < power.size(); ++i) {
      const float here = power[i];
      const float after = i + 1 < power.size() ? power[i + 1] : here;
      power[i] = 10 * std::log10((before + here + after) / 3 + kQuietest);
      before = here;
    }
    levels_.hop_s = static_cast<double>(hop_) / rate_hz_;
    levels_.duration_s = static_cast<double>(frames) / rate_hz_;
    return std::move(levels_);
  }

 private:
  size_t channels_ = 1;
  int rate_hz_ = 1;
  int64_t hop_ = 1, filled_ = 0;
  double keep_ = 0, low_ = 0, energy_ = 0;
  Levels levels_;
};

// The value that so many of a hundred are below.
float percentile(std::vector<float> values, size_t percent) {
  const auto at = values.begin() + static_cast<int64_t>((values.size() - 1) * percent / 100);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Calls `take(i, threshold)` for each level.
template <typename Take>
void with_thresholds(const std::vector<float>& db, const Take& take) {
  constexpr size_t kBlock = 1000, kAround = 2500;  // 10 s, and 25 s at both sides
  constexpr float kRange = 35, kWholeRange = 45, kShare = 0.3F, kLeast = 6;
  const float loudest = percentile(db, 95);
  for (size_t begin = 0; begin < db.size(); begin += kBlock) {
    const size_t end = std::min(begin + kBlock, db.size());
    const size_t from = begin > kAround ? begin - kAround : 0;
    const size_t to = std::min(end + kAround, db.size());
    const std::vector<float> around(db.begin() + static_cast<int64_t>(from),
                                    db.begin() + static_cast<int64_t>(to));
    const float noise = percentile(around, 5), speech = percentile(around, 95);
    const float threshold = std::max({noise + std::max(kLeast, kShare * (speech - noise)),
                                      speech - kRange, loudest - kWholeRange, kSilenceDb});
    for (size_t i = begin; i < end; ++i) take(i, threshold);
  }
}

std::vector<Stretch> stretches_of(const Levels& levels) {
  std::vector<Stretch> found;
  if (levels.db.empty()) return found;
  bool speaks = false;
  with_thresholds(levels.db, [&](size_t i, float threshold) {
    const double begin_s = static_cast<double>(i) * levels.hop_s;
    const bool loud = levels.db[i] > threshold;
    if (loud && !speaks) found.push_back({begin_s, begin_s});
    if (loud) found.back().end_s = begin_s + levels.hop_s;
    speaks = loud;
  });
  return found;
}

// Clicks are no speech, and a short gap is no pause.
std::vector<Stretch> tidied(const std::vector<Stretch>& found) {
  std::vector<Stretch> joined;
  for (const Stretch& stretch : found) {
    if (!joined.empty() && stretch.begin_s - joined.back().end_s < kShortestPauseS) {
      joined.back().end_s = stretch.end_s;
    } else {
      joined.push_back(stretch);
    }
  }
  std::erase_if(joined, [](const Stretch& s) { return s.duration_s() < kShortestSpeechS; });
  return joined;
}

}  // namespace

SpeechMap find_speech(const base::fs::path& recording) {
  LevelMeter meter;
  const audio::AudioInfo info = audio::stream_audio<float>(
      recording, [&](const audio::AudioInfo& header) { meter.begin(header); },
      [&](std::span<const float> samples) { meter.take(samples); });
  const Levels levels = std::move(meter).levels(info.frames);
  return {levels.duration_s, tidied(stretches_of(levels))};
}

}  // namespace koi::align
