// The recordings that a codec is trained on, as one channel at its sample rate: decoded once into
// one file, which is mapped, so that hours of them take no memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "koi/base/files.h"
#include "koi/codec_train/settings.h"

namespace koi::codec_train {

struct Recording {
  std::string name;     // its path below the folder
  int64_t offset = 0;   // of its first sample in the store
  int64_t samples = 0;  // 1 or more
  int64_t columns = 0;  // code columns, silence behind the end filling up the last ones
};

// Where a segment begins: a recording's number and a code column in it.
struct Place {
  size_t recording = 0;
  int64_t column = 0;
  bool operator==(const Place&) const = default;
};

// A batch of the same training: for equal numbers the same places.
struct BatchNumber {
  uint64_t seed = 0;
  Stage stage = Stage::encoder;
  int64_t step = 0;
};

class Recordings {
 public:
  using Note = std::function<void(const std::string&)>;
  using Prepared = std::function<void(size_t files, size_t of)>;

  // Decodes everything that is sound below the folder into `store` (waves.pcm, 16 bits;
  // index.json), where that does not already hold these files as they are now. Files that are
  // damaged, or too short for the codec, are left out with a note. Throws Error(not_found) where
  // there is no folder, Error(config) where fewer than two recordings are left, base::Interrupted
  // where the process is told to stop.
  Recordings(const Settings& settings, const base::fs::path& store, const Note& note,
             const Prepared& prepared);

  // Chosen by the lowest SHA-256 of their names; the others are trained on. At least one is.
  const std::vector<Recording>& training() const { return training_; }
  const std::vector<Recording>& held_out() const { return held_out_; }
  double seconds() const;                          // of those that are trained on
  double band_hz() const { return band_hz_; }      // how far up they have sound (BandwidthMeter)
  const std::string& key() const { return key_; }  // of folder, rate and settings; SHA-256

  // `out` becomes the samples from `begin` on: reflected before the first one, silent behind the
  // last.
  void read(const Recording& recording, int64_t begin, std::span<float> out) const;

  // `count` segments of `columns` columns of training recordings, every place as likely; silence
  // fills up the one place of a recording that is shorter.
  std::vector<Place> draw(const BatchNumber& number, int64_t count, int64_t columns) const;

 private:
  std::vector<Recording> training_, held_out_;
  double band_hz_ = 0;
  std::string key_;
  int rate_hz_ = 0;
  std::shared_ptr<const base::MappedFile> waves_;
};

}  // namespace koi::codec_train
