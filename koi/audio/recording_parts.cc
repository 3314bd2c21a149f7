#include "koi/audio/recording_parts.h"

#include <sndfile.h>

#include <algorithm>
#include <cmath>

#include "koi/base/error.h"

namespace koi::audio {
namespace {

int format_of_parts(const base::fs::path& path) {
  const std::optional<AudioInfo> info = probe_native(path);
  const bool wav = info && (info->format & SF_FORMAT_TYPEMASK) == SF_FORMAT_WAV;
  return wav && can_write_audio(*info) ? info->format : kWav24;
}

}  // namespace

RecordingParts::RecordingParts(const base::fs::path& path)
    : path_(path), audio_(read_audio<double>(path)), format_(format_of_parts(path)) {}

void RecordingParts::write(double begin_s, double end_s, const base::fs::path& to) const {
  constexpr double kSlackS = 0.1;
  if (!(begin_s >= 0 && begin_s < end_s && end_s <= audio_.duration_s() + kSlackS)) {
    throw Error(ErrorKind::corrupt, path_.string(),
                "has no part from " + std::to_string(begin_s) + " to " + std::to_string(end_s) +
                    " s: it is " + std::to_string(audio_.duration_s()) + " s long");
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

}  // namespace koi::audio
