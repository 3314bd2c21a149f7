// Recordings that libsndfile does not read, decoded by the program ffmpeg. Internal to koi/audio:
// probe_audio() and read_audio() take a file there by themselves.
//
// Media from anywhere is decoded in a process of its own with bounds on memory, time and output
// (base/limited_program.h). It sees one open file, told by its content, and takes only formats that
// hold their sound themselves: playlists and the like, which name other files or addresses, are
// refused.
#pragma once

#include <functional>
#include <string_view>

#include "koi/audio/audio_file.h"

namespace koi::audio {

// What libsndfile made of the file: "is MPEG-4 (m4a, mp4)", "is not readable as sound (...)".
// Stands in errors.
struct Foreign {
  base::fs::path path;
  std::string what;
};

// Of the first track of sound: all its channels at its own rate. `frames` is counted by decoding,
// for few formats say it exactly. `format` is 0: libsndfile does not write it. Throws as
// read_audio(), Error(not_found) with the package's name where ffmpeg is not installed,
// base::Interrupted.
AudioInfo probe_with_ffmpeg(const Foreign& file);

// stream_audio() for such a file.
template <typename Sample>
AudioInfo stream_with_ffmpeg(const Foreign& file,
                             const std::function<void(const AudioInfo&)>& begin,
                             const std::function<void(std::span<const Sample>)>& take);

// The samples as they are decoded; integers are divided by their full scale (24 bits are exact in a
// float). What a container cuts off at the end (the padding of AAC in MPEG-4) is left out. Throws
// as probe_with_ffmpeg().
template <typename Sample>
Audio<Sample> read_with_ffmpeg(const Foreign& file);

}  // namespace koi::audio
