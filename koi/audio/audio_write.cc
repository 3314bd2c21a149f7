#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "koi/audio/audio_stream.h"
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

SF_INFO sound_of(int channels, int sample_rate_hz, int format) {
  SF_INFO info{};
  info.channels = channels;
  info.samplerate = sample_rate_hz;
  info.format = format;
  return info;
}

// A file that keeps nothing, to see whether an encoder takes rate and channels.
sf_count_t nowhere_length(void* user) { return *static_cast<sf_count_t*>(user); }
sf_count_t nowhere_seek(sf_count_t, int, void*) { return 0; }
sf_count_t nowhere_read(void*, sf_count_t, void*) { return 0; }
sf_count_t nowhere_write(const void*, sf_count_t count, void* user) {
  *static_cast<sf_count_t*>(user) += count;
  return count;
}

}  // namespace

static_assert(kWav24 == (SF_FORMAT_WAV | SF_FORMAT_PCM_24));

bool can_write_audio(const AudioInfo& audio) {
  SF_INFO info = sound_of(audio.channels, audio.sample_rate_hz, audio.format);
  if (sf_format_check(&info) == 0) return false;
  SF_VIRTUAL_IO calls{nowhere_length, nowhere_seek, nowhere_read, nowhere_write, nowhere_length};
  sf_count_t written = 0;
  return std::unique_ptr<SNDFILE, Close>(sf_open_virtual(&calls, SFM_WRITE, &info, &written)) !=
         nullptr;
}

struct AudioWriter::File {
  File(const fs::path& where, const AudioInfo& audio)
      : path(where), channels(audio.channels), output(where) {
    SF_INFO info = sound_of(audio.channels, audio.sample_rate_hz, audio.format);
    sound.reset(sf_open_fd(output.descriptor(), SFM_WRITE, &info, /*close_desc=*/SF_FALSE));
    if (!sound) fail_writing(path, nullptr);
    sf_command(sound.get(), SFC_SET_CLIPPING, nullptr, SF_TRUE);
    // The peak chunk holds the time of day: equal input would not give equal bytes.
    sf_command(sound.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
  }

  fs::path path;
  int channels;
  base::AtomicFile output;
  std::unique_ptr<SNDFILE, Close> sound;
};

AudioWriter::AudioWriter(const fs::path& path, const AudioInfo& audio) {
  SF_INFO info = sound_of(audio.channels, audio.sample_rate_hz, audio.format);
  if (sf_format_check(&info) == 0) {
    throw Error(ErrorKind::unsupported, path.string(),
                "libsndfile reads this encoding but does not write it",
                "convert the recording to WAV or FLAC first");
  }
  file_ = std::make_unique<File>(path, audio);
}

AudioWriter::~AudioWriter() = default;

void AudioWriter::write(std::span<const double> samples) {
  const auto frames = static_cast<sf_count_t>(samples.size()) / file_->channels;
  if (sf_writef_double(file_->sound.get(), samples.data(), frames) != frames)
    fail_writing(file_->path, file_->sound.get());
}

void AudioWriter::commit() {
  if (sf_close(file_->sound.release()) != 0) fail_writing(file_->path, nullptr);
  file_->output.commit();
}

void write_audio(const fs::path& path, const Audio<double>& audio, int format) {
  AudioWriter writer(path, {.channels = audio.channels,
                            .sample_rate_hz = audio.sample_rate_hz,
                            .format = format,
                            .container = {},
                            .encoding = {}});
  writer.write(audio.samples);
  writer.commit();
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

bool is_lossless(int format) {
  switch (format & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_PCM_S8:
    case SF_FORMAT_PCM_16:
    case SF_FORMAT_PCM_24:
    case SF_FORMAT_PCM_32:
    case SF_FORMAT_PCM_U8:
    case SF_FORMAT_FLOAT:
    case SF_FORMAT_DOUBLE:
    case SF_FORMAT_ALAC_16:
    case SF_FORMAT_ALAC_20:
    case SF_FORMAT_ALAC_24:
    case SF_FORMAT_ALAC_32:
      return true;
    default:
      return false;
  }
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
