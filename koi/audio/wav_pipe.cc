#include "koi/audio/wav_pipe.h"

#include <cstdint>

#include "koi/audio/audio_file.h"
#include "koi/base/bytes.h"

namespace koi::audio {

std::string wav_pipe_header(int sample_rate_hz) {
  constexpr uint32_t kUnknown = 0xFFFFFFFF;
  constexpr uint16_t kPcm = 1, kChannels = 1, kSampleBytes = 2;
  const auto rate = static_cast<uint32_t>(sample_rate_hz);
  std::string header;
  const auto add = [&](auto value) { base::append_bytes(header, value); };
  header += "RIFF";
  add(kUnknown);
  header += "WAVEfmt ";
  add(uint32_t{16});
  add(kPcm);
  add(kChannels);
  add(rate);
  add(rate * kSampleBytes);
  add(kSampleBytes);
  add(uint16_t{8 * kSampleBytes});
  header += "data";
  add(kUnknown);
  return header;
}

std::string to_pcm16_bytes(std::span<const float> samples) {
  std::string bytes;
  for (const float sample : samples) base::append_bytes(bytes, to_pcm16(sample));
  return bytes;
}

}  // namespace koi::audio
