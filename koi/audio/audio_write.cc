#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "koi/audio/audio_file.h"
#include "koi/base/bytes.h"
#include "koi/base/error.h"

namespace koi::audio {
namespace {

namespace fs = base::fs;

struct Close {
  void operator()(SNDFILE* file) const { sf_close(file); }
};

[[noreturn]] void fail_writing(const fs::path& path, SNDFILE* file) {
  throw Error(ErrorKind::io, path.string(),
              std::string("cannot be written (") + sf_strerror(file) + ")");
}

}  // namespace

void write_audio(const fs::path& path, const Audio<double>& audio, int format) {
  SF_INFO info{};
  info.channels = audio.channels;
  info.samplerate = audio.sample_rate_hz;
  info.format = format;
  if (sf_format_check(&info) == 0) {
    throw Error(ErrorKind::unsupported, path.string(),
                "libsndfile reads this encoding but does not write it",
                "convert the recording to WAV or FLAC first");
  }
  base::AtomicFile output(path);
  std::unique_ptr<SNDFILE, Close> file(
      sf_open_fd(output.descriptor(), SFM_WRITE, &info, /*close_desc=*/SF_FALSE));
  if (!file) fail_writing(path, nullptr);
  sf_command(file.get(), SFC_SET_CLIPPING, nullptr, SF_TRUE);
  // The peak chunk holds the time of day: equal input would not give equal bytes.
  sf_command(file.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
  const sf_count_t frames = audio.frames();
  if (sf_writef_double(file.get(), audio.samples.data(), frames) != frames)
    fail_writing(path, file.get());
  if (sf_close(file.release()) != 0) fail_writing(path, nullptr);
  output.commit();
}

int reference_format(int format) {
  const int container = format & SF_FORMAT_TYPEMASK;
  switch (container) {
    case SF_FORMAT_WAV:
    case SF_FORMAT_WAVEX:
    case SF_FORMAT_RF64:
      return SF_FORMAT_WAV | SF_FORMAT_PCM_16;
    case SF_FORMAT_AIFF:
    case SF_FORMAT_FLAC:
      return container | SF_FORMAT_PCM_16;
    default:
      return format;
  }
}

bool format_clips(int format) {
  const int encoding = format & SF_FORMAT_SUBMASK;
  return encoding != SF_FORMAT_FLOAT && encoding != SF_FORMAT_DOUBLE;
}

int16_t to_pcm16(float sample) {
  if (std::isnan(sample)) return 0;
  constexpr double kScale = 2147483648.0;  // 2^31
  const double scaled = std::clamp(static_cast<double>(sample) * kScale, -kScale, kScale - 1);
  return static_cast<int16_t>(std::llrint(scaled) >> 16);
}

void write_wav_pcm16(const fs::path& path, std::span<const float> samples, int sample_rate_hz) {
  constexpr uint32_t kHeaderBytes = 44;
  constexpr uint16_t kSampleBytes = 2;
  if (samples.size() > (UINT32_MAX - kHeaderBytes) / kSampleBytes) {
    throw Error(ErrorKind::unsupported, path.string(),
                std::to_string(samples.size()) + " samples do not fit into a WAV file",
                "write shorter pieces");
  }
  const auto data_bytes = static_cast<uint32_t>(samples.size() * kSampleBytes);
  const auto rate = static_cast<uint32_t>(sample_rate_hz);
  std::string bytes;
  bytes.reserve(kHeaderBytes + data_bytes);
  bytes += "RIFF";
  base::append_bytes<uint32_t>(bytes, kHeaderBytes - 8 + data_bytes);
  bytes += "WAVEfmt ";
  base::append_bytes<uint32_t>(bytes, 16);
  base::append_bytes<uint16_t>(bytes, 1);  // PCM
  base::append_bytes<uint16_t>(bytes, 1);  // channels
  base::append_bytes<uint32_t>(bytes, rate);
  base::append_bytes<uint32_t>(bytes, rate * kSampleBytes);
  base::append_bytes<uint16_t>(bytes, kSampleBytes);
  base::append_bytes<uint16_t>(bytes, 8 * kSampleBytes);
  bytes += "data";
  base::append_bytes<uint32_t>(bytes, data_bytes);
  for (const float sample : samples) base::append_bytes<int16_t>(bytes, to_pcm16(sample));
  base::write_file(path, bytes);
}

}  // namespace koi::audio
