// Audio files, told by their content, whatever they are called: libsndfile reads WAV, AIFF, FLAC,
// Ogg Vorbis and Opus, MP3 and more; the program ffmpeg decodes the rest (m4a, aac, wma, webm, mp4
// and whatever else holds sound).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "koi/base/files.h"

namespace koi::audio {

// Samples of all channels, interleaved: frame t of channel c is samples[t * channels + c].
// Full scale is -1..1; floating-point files may pass it.
template <typename Sample>
struct Audio {
  int channels = 0;
  int sample_rate_hz = 0;
  std::vector<Sample> samples;

  int64_t frames() const {
    return channels == 0 ? 0 : static_cast<int64_t>(samples.size()) / channels;
  }
  double duration_s() const { return static_cast<double>(frames()) / sample_rate_hz; }
};

// What a file's header says.
struct AudioInfo {
  int channels = 0;
  int sample_rate_hz = 0;
  int64_t frames = 0;
  // libsndfile's code of container and encoding, for write_audio(); 0 where ffmpeg reads the file.
  int format = 0;
  std::string container;  // "WAV (Microsoft)", as libsndfile or ffmpeg names it
  std::string encoding;   // "Signed 16 bit PCM"

  double duration_s() const { return static_cast<double>(frames) / sample_rate_hz; }
};

// Samples (frames x channels) that are read at once: 3 h in one channel at 48 kHz, 2 GiB as float.
// A longer recording is an error, so that no file (a small one may unpack to days of silence) eats
// the memory.
inline constexpr int64_t kMaxSamples = int64_t{1} << 29;

// Does the name end like an audio file's (or a film's), in upper or lower case?
bool is_audio_path(const base::fs::path& path);
std::string audio_extensions();  // ".wav .flac ...", for messages

// The header only, without decoding; what ffmpeg reads is decoded to count the frames. Throws as
// read_audio().
AudioInfo probe_audio(const base::fs::path& path);

// The header of a file that libsndfile reads; nothing where it takes ffmpeg. Never decodes. Throws
// as read_audio().
std::optional<AudioInfo> probe_native(const base::fs::path& path);

// The whole file; integers are divided by their full scale, as libsndfile does. Sample is float or
// double. Of several tracks the first is taken. Throws Error(not_found, io) where it cannot be
// opened; Error(unsupported) for more than kMaxSamples, and where it takes ffmpeg and that is not
// installed; Error(corrupt) where neither reads it, where it is empty, holds no audio, is damaged,
// shorter than its header claims or holds samples that are not finite; base::Interrupted while
// ffmpeg decodes.
// Differs: the reference reads what is left of a truncated WAV or AIFF file without a word.
template <typename Sample>
Audio<Sample> read_audio(const base::fs::path& path);

// Writes in the container and encoding `format` (of AudioInfo), whole or not at all; what passes
// full scale is clipped in integer encodings. Throws Error(unsupported) where libsndfile cannot
// write that encoding, Error(io) where the disk refuses.
void write_audio(const base::fs::path& path, const Audio<double>& audio, int format);

// Can write_audio() write so many channels at that rate in that format?
bool can_write_audio(const AudioInfo& info);

inline constexpr int kWav24 = 0x010003;  // `format` of a WAV file of 24 bits

// `format`'s container in the encoding that the reference writes: 16 bits in WAV, AIFF and FLAC;
// as it is for lossy formats.
int reference_format(int format);

// Does this encoding clip what passes full scale (all but floating-point samples)?
bool format_clips(int format);

// Does writing what was read from this encoding give the same samples again (PCM, floating point,
// FLAC, ALAC)?
bool is_lossless(int format);

// 16-bit sample of a float: floor(x * 32768) clipped to -32768..32767; NaN gives 0. Source: the
// rule of libsndfile's WAV writer (first rounded to 32 bits), which the reference uses.
int16_t to_pcm16(float sample);

// One channel as a 16-bit WAV file, whole or not at all. Throws Error(io), and Error(unsupported)
// where the samples do not fit into a WAV file (4 GiB).
void write_wav_pcm16(const base::fs::path& path, std::span<const float> samples,
                     int sample_rate_hz);

}  // namespace koi::audio
