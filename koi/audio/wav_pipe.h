// A WAV file that is written while its sound is still being made, into a pipe.
#pragma once

#include <span>
#include <string>

namespace koi::audio {

// What stands before the samples of one channel of 16 bits. Nobody can go back to write their
// number, so it is the largest that there is, as players expect of a pipe.
std::string wav_pipe_header(int sample_rate_hz);

// The samples as they follow it: to_pcm16, little-endian.
std::string to_pcm16_bytes(std::span<const float> samples);

}  // namespace koi::audio
