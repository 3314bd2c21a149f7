#include "koi/audio/recording_parts.h"

#include <sndfile.h>

#include <algorithm>
#include <cmath>

#include "koi/audio/audio_stream.h"
#include "koi/base/error.h"
#include "koi/base/interrupt.h"

namespace koi::audio {
namespace {

int format_of_parts(const base::fs::path& path) {
  const std::optional<AudioInfo> info = probe_native(path);
  const bool wav = info && (info->format & SF_FORMAT_TYPEMASK) == SF_FORMAT_WAV;
  return wav && can_write_audio(*info) ? info->format : kWav24;
}

[[noreturn]] void fail_part(const base::fs::path& recording, double begin_s, double end_s,
                            double duration_s) {
  throw Error(ErrorKind::corrupt, recording.string(),
              "has no part from " + std::to_string(begin_s) + " to " + std::to_string(end_s) +
                  " s: it is " + std::to_string(duration_s) + " s long");
}

// Takes the pieces of a recording and writes each part as soon as it is whole.
class PartsWriter {
 public:
  PartsWriter(const base::fs::path& recording, const std::vector<RecordingPart>& parts,
              const std::function<void()>& on_part)
      : format_(format_of_parts(recording)), parts_(parts), on_part_(on_part) {}

  void begin(const AudioInfo& info) {
    part_.channels = info.channels;
    part_.sample_rate_hz = info.sample_rate_hz;
  }

  void take(std::span<const double> samples) {
    if (base::stop_requested())
      throw base::Interrupted(parts_.front().to.string(), "stopped", "begin again");
    const int64_t frames = std::ssize(samples) / part_.channels;
    const auto at = [&](int64_t frame) {
      return samples.begin() + std::clamp<int64_t>(frame - position_, 0, frames) * part_.channels;
    };
    const int64_t next = position_ + frames;
    while (done_ < parts_.size() && frame_of(parts_[done_].begin_s) < next) {
      const int64_t end = frame_of(parts_[done_].end_s);
      part_.samples.insert(part_.samples.end(), at(frame_of(parts_[done_].begin_s)), at(end));
      if (end > next) break;
      write();
    }
    position_ = next;
  }

  void end(const base::fs::path& recording) {
    if (done_ < parts_.size() && !part_.samples.empty()) write();
    if (done_ == parts_.size()) return;
    fail_part(recording, parts_[done_].begin_s, parts_[done_].end_s,
              static_cast<double>(position_) / part_.sample_rate_hz);
  }

 private:
  int64_t frame_of(double seconds) const { return std::llround(seconds * part_.sample_rate_hz); }

  void write() {
    if (part_.samples.empty()) {  // shorter than a sample
      fail_part(parts_[done_].to, parts_[done_].begin_s, parts_[done_].end_s,
                static_cast<double>(position_) / part_.sample_rate_hz);
    }
    write_audio(parts_[done_].to, part_, format_);
    part_.samples.clear();
    ++done_;
    if (on_part_) on_part_();
  }

  int format_;
  const std::vector<RecordingPart>& parts_;
  const std::function<void()>& on_part_;
  Audio<double> part_;  // the present one, as far as it came
  size_t done_ = 0;
  int64_t position_ = 0;
};

}  // namespace

RecordingParts::RecordingParts(const base::fs::path& path)
    : path_(path), audio_(read_audio<double>(path)), format_(format_of_parts(path)) {}

void RecordingParts::write(double begin_s, double end_s, const base::fs::path& to) const {
  constexpr double kSlackS = 0.1;
  if (!(begin_s >= 0 && begin_s < end_s && end_s <= audio_.duration_s() + kSlackS)) {
    fail_part(path_, begin_s, end_s, audio_.duration_s());
  }
  const auto frame = [this](double seconds) {
    return std::min<int64_t>(std::llround(seconds * audio_.sample_rate_hz), audio_.frames());
  };
  const auto at = [&](double seconds) {
    return audio_.samples.begin() + frame(seconds) * audio_.channels;
  };
  const Audio<double> part{audio_.channels, audio_.sample_rate_hz, {at(begin_s), at(end_s)}};
  if (part.samples.empty())
    throw Error(ErrorKind::corrupt, path_.string(),
                "is empty at " + std::to_string(begin_s) + " s");
  write_audio(to, part, format_);
}

void write_parts(const base::fs::path& recording, const std::vector<RecordingPart>& parts,
                 const std::function<void()>& on_part) {
  double end_s = 0;
  for (const RecordingPart& part : parts) {
    if (!(part.begin_s >= end_s && part.begin_s < part.end_s))
      fail_part(recording, part.begin_s, part.end_s, end_s);
    end_s = part.end_s;
  }
  if (parts.empty()) return;
  PartsWriter writer(recording, parts, on_part);
  stream_audio<double>(
      recording, [&](const AudioInfo& info) { writer.begin(info); },
      [&](std::span<const double> samples) { writer.take(samples); });
  writer.end(recording);
}

}  // namespace koi::audio
