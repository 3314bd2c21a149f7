// One recording with what lies beside it, looked at on its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "koi/audio/sound_meter.h"
#include "koi/check/finding.h"
#include "koi/text/script.h"

namespace koi::check {

inline constexpr uint64_t kMaxTranscriptBytes = uint64_t{1} << 20;  // no more is read

struct CheckOptions {
  std::vector<std::string> text_extensions{".lab", ".txt"};  // the first that is there counts
  int64_t codebooks = 8;                                     // rows of the codes beside a recording
  int64_t codebook_size = 1024;                              // codes are 0 to below this
  size_t workers = 0;  // threads; 0 or more than the cores: as many as cores
};

// A transcript that can be read, as the packer would take it.
struct Transcript {
  std::string hash;     // dataset::text_hash()
  std::string excerpt;  // the first 200 characters
  double letters = 0;   // dataset::spoken_letters()
  int64_t words = 0;    // between spaces
  text::Script script = text::Script::none;
};

struct CodesShape {
  int64_t codebooks = 0, frames = 0;
};

struct Recording {
  base::fs::path path;  // relative to the folder
  size_t speaker = 0;   // index in the report
  std::optional<audio::SoundFigures> sound{};
  base::fs::path transcript_path{};  // relative to the folder; empty where there is none
  std::optional<Transcript> transcript{};
  std::string undecoded{};      // the beginning of a transcript that is no UTF-8
  std::string_view encoding{};  // what it is then (text::guess_encoding), where that is plain
  std::optional<CodesShape> codes{};
};

// Reads everything once, in little memory. Findings go to the end of `findings`, without the
// recording's index. A transcript that is no UTF-8 is only kept in `undecoded`. Throws
// base::Interrupted, no other Error.
Recording check_recording(const base::fs::path& folder, const base::fs::path& relative,
                          const CheckOptions& options, std::vector<Finding>& findings);

// The seconds between the silent ends.
double sounding_s(const audio::SoundFigures& sound);

}  // namespace koi::check
