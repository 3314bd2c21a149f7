// What the first bytes of a file say, beyond what libsndfile tells. Internal to koi/audio.
#pragma once

#include <string>
#include <string_view>

namespace koi::audio {

// The name of a format that libsndfile does not read ("MPEG-4 audio (m4a, mp4)"); empty where the
// bytes are of no such format.
std::string_view foreign_format(std::string_view bytes);

// Throws Error(corrupt) where a WAV or AIFF file ends before its sound does. Lengths that programs
// write which cannot go back to the header (0, or about 2 or 4 GiB) claim nothing.
void check_not_truncated(std::string_view bytes, std::string_view where);

// Throws Error(unsupported): more than kMaxSamples.
[[noreturn]] void refuse_length(const std::string& path);

// ffmpeg -i 'a.m4a' 'a.wav', quoted for a shell.
std::string ffmpeg_command(const std::string& path);

}  // namespace koi::audio
