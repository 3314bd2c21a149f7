#include "koi/audio/sound_meter.h"

#include <ebur128.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>

#include "koi/audio/audio_stream.h"
#include "koi/audio/bandwidth.h"
#include "koi/base/bytes.h"
#include "koi/base/hash.h"

namespace koi::audio {
namespace {

// Loudness and true peak; nothing where libebur128 does not take the format.
class LoudnessMeter {
 public:
  LoudnessMeter(int channels, int rate_hz)
      : channels_(static_cast<unsigned>(channels)),
        state_(ebur128_init(channels_, static_cast<unsigned long>(rate_hz),
                            EBUR128_MODE_I | EBUR128_MODE_TRUE_PEAK)) {}

  void add(std::span<const float> samples) {
    if (!state_) return;
    const size_t frames = samples.size() / channels_;
    if (ebur128_add_frames_float(state_.get(), samples.data(), frames) != EBUR128_SUCCESS)
      throw std::bad_alloc();
  }

  void tell(SoundFigures& figures) const {
    if (!state_) return;
    for (unsigned c = 0; c < channels_; ++c) {
      double peak = 0;
      ebur128_true_peak(state_.get(), c, &peak);
      figures.true_peak = std::max(figures.true_peak, peak);
    }
    constexpr double kBlock_s = 0.4;
    if (figures.duration_s() < kBlock_s) return;
    double lufs = 0;
    ebur128_loudness_global(state_.get(), &lufs);
    figures.loudness_lufs = lufs;
  }

 private:
  struct Destroy {
    void operator()(ebur128_state* state) const { ebur128_destroy(&state); }
  };
  unsigned channels_;
  std::unique_ptr<ebur128_state, Destroy> state_;
};

// Where the sound begins and ends: for each level (whole dB) the first and the last stretch that
// has it, so that the loudest one need not be known before.
class Ends {
 public:
  void add(double power, int64_t begin, int64_t end) {
    const double db = 10 * std::log10(std::max(power, 1e-12)) + kLevels - 1;
    const auto level = static_cast<size_t>(std::clamp(db, 0.0, kLevels - 1.0));
    Level& seen = levels_[level];
    seen.first = std::min(seen.first, begin);
    seen.last = std::max(seen.last, end);
    seen.frames += end - begin;
    loudest_ = std::max(loudest_, level);
  }

  void tell(SoundFigures& figures) const {
    constexpr size_t kBelow = 40;  // dB
    int64_t first = figures.frames, last = 0, sounding = 0;
    for (size_t level = loudest_ - std::min(loudest_, kBelow); level < kLevels; ++level) {
      first = std::min(first, levels_[level].first);
      last = std::max(last, levels_[level].last);
      sounding += levels_[level].frames;
    }
    figures.silent_head = first;
    figures.silent_tail = figures.frames - std::max(first, last);
    figures.silent_frames = figures.frames - sounding;
  }

 private:
  static constexpr size_t kLevels = 121;  // -120 to 0 dB
  struct Level {
    int64_t first = std::numeric_limits<int64_t>::max();
    int64_t last = 0;
    int64_t frames = 0;
  };
  std::array<Level, kLevels> levels_{};
  size_t loudest_ = 0;
};

// Parts that double their length when there are too many, so that any length fits.
class Envelope {
 public:
  void add(float peak) {
    highest_ = std::max(highest_, peak);
    if (++filled_ == part_) end_part();
  }

  std::vector<uint8_t> values() {
    if (filled_ > 0) end_part();
    std::vector<uint8_t> bytes;
    for (const float peak : peaks_)
      bytes.push_back(static_cast<uint8_t>(std::lround(255 * std::min(peak, 1.0F))));
    return bytes;
  }

 private:
  static constexpr size_t kMost = 256;

  void end_part() {
    peaks_.push_back(highest_);
    highest_ = 0;
    filled_ = 0;
    if (peaks_.size() < kMost) return;
    for (size_t i = 0; i < kMost / 2; ++i) peaks_[i] = std::max(peaks_[2 * i], peaks_[2 * i + 1]);
    peaks_.resize(kMost / 2);
    part_ *= 2;
  }

  std::vector<float> peaks_;
  int64_t part_ = 64;  // frames
  int64_t filled_ = 0;
  float highest_ = 0;
};

// What is summed up of one channel.
struct Channel {
  double sum = 0, squares = 0;                  // of the whole recording
  double stretch_sum = 0, stretch_squares = 0;  // of the present 10 ms
  float before = 0;
  int run = 0;
  int64_t clipped = 0;

  void add(float sample) {
    sum += sample;
    squares += double{sample} * sample;
    stretch_sum += sample;
    stretch_squares += double{sample} * sample;
    const bool is_high = std::abs(sample) >= 0.99F;
    run = !is_high ? 0 : sample == before ? run + 1 : 1;
    before = sample;
    constexpr int kRun = 3;
    if (run >= kRun) clipped += run == kRun ? kRun : 1;
  }

  // Ends the stretch; gives its power without its mean.
  double end_stretch(double frames) {
    const double mean = stretch_sum / frames;
    const double power = stretch_squares / frames - mean * mean;
    stretch_sum = stretch_squares = 0;
    return std::max(power, 0.0);
  }
};

class SoundMeter {
 public:
  SoundMeter(int channels, int rate_hz)
      : loudness_(channels, rate_hz),
        bandwidth_(rate_hz),
        channels_(static_cast<size_t>(channels)),
        stretch_(std::max(1, rate_hz / 100)) {
    figures_.channels = channels;
    figures_.sample_rate_hz = rate_hz;
    figures_.hash = std::to_string(channels) + " " + std::to_string(rate_hz);
  }

  // A piece of frames_a_piece(), or the last one.
  void add(std::span<const float> samples) {
    loudness_.add(samples);
    add_to_hash(samples);
    for (size_t at = 0; at < samples.size(); at += channels_.size())
      add_frame(samples.subspan(at, channels_.size()));
  }

  SoundFigures finish() {
    if (figures_.frames > stretch_begin_) end_stretch();
    const auto frames = static_cast<double>(figures_.frames);
    double power = 0;
    for (const Channel& channel : channels_) {
      const double mean = channel.sum / frames;
      if (std::abs(mean) > std::abs(figures_.dc_offset)) figures_.dc_offset = mean;
      power += std::max(0.0, channel.squares / frames - mean * mean);
      figures_.clipped_samples += channel.clipped;
    }
    figures_.rms = std::sqrt(power / figures_.channels);
    ends_.tell(figures_);
    loudness_.tell(figures_);
    figures_.bandwidth_hz = bandwidth_.bandwidth_hz();
    figures_.envelope = envelope_.values();
    return std::move(figures_);
  }

 private:
  void add_to_hash(std::span<const float> samples) {
    std::string bytes = std::move(figures_.hash);
    for (const float sample : samples) base::append_bytes(bytes, sample + 0.0F);  // no -0
    figures_.hash = base::sha256_hex(bytes);
  }

  void add_frame(std::span<const float> frame) {
    float sum = 0, peak = 0;
    for (size_t c = 0; c < channels_.size(); ++c) {
      channels_[c].add(frame[c]);
      sum += frame[c];
      peak = std::max(peak, std::abs(frame[c]));
    }
    bandwidth_.add(sum / static_cast<float>(channels_.size()));
    envelope_.add(peak);
    if (++figures_.frames - stretch_begin_ == stretch_) end_stretch();
  }

  void end_stretch() {
    const auto frames = static_cast<double>(figures_.frames - stretch_begin_);
    double power = 0;
    for (Channel& channel : channels_) power += channel.end_stretch(frames);
    ends_.add(power / figures_.channels, stretch_begin_, figures_.frames);
    stretch_begin_ = figures_.frames;
  }

  SoundFigures figures_;
  LoudnessMeter loudness_;
  BandwidthMeter bandwidth_;
  Ends ends_;
  Envelope envelope_;
  std::vector<Channel> channels_;
  int64_t stretch_;  // frames of 10 ms
  int64_t stretch_begin_ = 0;
};

}  // namespace

SoundFigures measure_sound(const base::fs::path& path) {
  std::optional<SoundMeter> meter;
  stream_audio<float>(
      path, [&meter](const AudioInfo& info) { meter.emplace(info.channels, info.sample_rate_hz); },
      [&meter](std::span<const float> samples) { meter->add(samples); });
  return meter->finish();
}

SoundFigures measure_sound(const Audio<float>& audio) {
  SoundMeter meter(audio.channels, audio.sample_rate_hz);
  const auto piece = static_cast<size_t>(frames_a_piece(audio.channels) * audio.channels);
  std::span<const float> rest(audio.samples);
  while (!rest.empty()) {
    const auto samples = rest.first(std::min(piece, rest.size()));
    meter.add(samples);
    rest = rest.subspan(samples.size());
  }
  return meter.finish();
}

}  // namespace koi::audio
