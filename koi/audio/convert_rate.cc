#include "koi/audio/convert_rate.h"

#include <soxr.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "koi/audio/resample.h"
#include "koi/base/error.h"

namespace koi::audio {
namespace {

constexpr size_t kFramesAtOnce = 4096;

void check_rate(int rate_hz) {
  if (rate_hz >= kMinRateHz && rate_hz <= kMaxRateHz) return;
  throw Error(ErrorKind::unsupported, "sample rate",
              std::to_string(rate_hz) + " Hz is outside " + std::to_string(kMinRateHz) + " to " +
                  std::to_string(kMaxRateHz) + " Hz");
}

void check(soxr_error_t error) {
  if (error != nullptr)
    throw Error(ErrorKind::internal, "sample rate", std::string("libsoxr: ") + error);
}

struct Delete {
  void operator()(soxr_t soxr) const { soxr_delete(soxr); }
};

}  // namespace

struct RateConverter::State {
  int channels, from_hz, to_hz;
  std::function<void(std::span<const double>)> take;
  std::unique_ptr<soxr, Delete> converter{};  // none for equal rates
  std::vector<double> out{};
  int64_t frames_in = 0, frames_out = 0;

  int64_t wanted() const { return (frames_in * to_hz + from_hz - 1) / from_hz; }

  // Converts some of `samples` (the end of all where there are none); gives how many were taken.
  size_t convert(std::span<const double> samples, size_t most_frames) {
    size_t taken = 0, made = 0;
    const auto count = static_cast<size_t>(channels);
    check(soxr_process(converter.get(), samples.empty() ? nullptr : samples.data(),
                       samples.size() / count, &taken, out.data(), most_frames, &made));
    hand_on(std::span<const double>(out).first(made * count));
    return taken * count;
  }

  void hand_on(std::span<const double> samples) {
    frames_out += std::ssize(samples) / channels;
    if (frames_out > kMaxSamples / channels) {
      throw Error(ErrorKind::unsupported, "audio",
                  "becomes longer than " + std::to_string(kMaxSamples) + " samples",
                  "cut the recording into pieces");
    }
    if (!samples.empty()) take(samples);
  }
};

RateConverter::RateConverter(int channels, int from_hz, int to_hz,
                             std::function<void(std::span<const double>)> take) {
  check_rate(from_hz);
  check_rate(to_hz);
  state_ = std::make_unique<State>(State{channels, from_hz, to_hz, std::move(take)});
  if (from_hz == to_hz) return;
  const soxr_io_spec_t doubles = soxr_io_spec(SOXR_FLOAT64_I, SOXR_FLOAT64_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  soxr_error_t error = nullptr;
  state_->converter.reset(soxr_create(from_hz, to_hz, static_cast<unsigned>(channels), &error,
                                      &doubles, &quality, nullptr));
  check(error);
  state_->out.resize(kFramesAtOnce * static_cast<size_t>(channels));
}

RateConverter::~RateConverter() = default;

void RateConverter::add(std::span<const double> samples) {
  state_->frames_in += std::ssize(samples) / state_->channels;
  if (!state_->converter) {
    state_->hand_on(samples);
    return;
  }
  while (!samples.empty()) samples = samples.subspan(state_->convert(samples, kFramesAtOnce));
}

void RateConverter::finish() {
  const auto left = [this] { return state_->wanted() - state_->frames_out; };
  for (int64_t before = -1; state_->converter && left() > 0 && state_->frames_out != before;) {
    before = state_->frames_out;
    state_->convert({}, std::min(kFramesAtOnce, static_cast<size_t>(left())));
  }
  // What libsoxr leaves at the end, by rounding, is 0.
  if (left() > 0)
    state_->hand_on(std::vector<double>(static_cast<size_t>(left() * state_->channels)));
}

Audio<double> convert_rate(const Audio<double>& audio, int to_hz) {
  Audio<double> made{audio.channels, to_hz, {}};
  RateConverter converter(audio.channels, audio.sample_rate_hz, to_hz,
                          [&made](std::span<const double> samples) {
                            made.samples.insert(made.samples.end(), samples.begin(), samples.end());
                          });
  converter.add(audio.samples);
  converter.finish();
  return made;
}

std::vector<double> mix_to_mono(std::span<const double> samples, int channels) {
  std::vector<double> mono;
  mono.reserve(samples.size() / static_cast<size_t>(channels));
  for (auto frame = samples.begin(); frame != samples.end(); frame += channels)
    mono.push_back(std::accumulate(frame, frame + channels, 0.0) / channels);
  return mono;
}

}  // namespace koi::audio
