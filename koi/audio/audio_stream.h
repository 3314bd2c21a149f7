// A recording of any length, piece by piece, in little memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "koi/audio/audio_file.h"

namespace koi::audio {

// Frames of the pieces that stream_audio() hands out, but for the last one: 65,536 samples.
inline int64_t frames_a_piece(int channels) {
  return std::max<int64_t>(1, (int64_t{1} << 16) / channels);
}

// Reads what read_audio<Sample>() reads, the same samples and the same errors, but calls `begin`
// once with what the header says (frames are 0 where ffmpeg decodes) and then `take` for each piece
// of interleaved samples. Gives what the header should have said: the frames that were there.
// Throws as read_audio(); a damaged file may be found damaged only after `take` has seen a part of
// it.
template <typename Sample>
AudioInfo stream_audio(const base::fs::path& path,
                       const std::function<void(const AudioInfo&)>& begin,
                       const std::function<void(std::span<const Sample>)>& take);

// write_audio() piece by piece.
class AudioWriter {
 public:
  // `audio` tells channels, rate and format. Throws as write_audio().
  AudioWriter(const base::fs::path& path, const AudioInfo& audio);
  ~AudioWriter();  // without commit() nothing is left behind and `path` is as it was
  AudioWriter(const AudioWriter&) = delete;
  AudioWriter& operator=(const AudioWriter&) = delete;

  void write(std::span<const double> samples);  // whole frames, interleaved; throws Error(io)
  void commit();                                // throws Error(io)

 private:
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace koi::audio
