// A folder of recordings and transcripts looked at before it is trained on: what `koi validate`
// tells.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "koi/check/finding.h"
#include "koi/check/recording.h"

namespace koi::check {

// The recordings of one folder.
struct Speaker {
  base::fs::path folder;  // relative; empty for the folder itself
  std::string name;       // of the folder
  size_t recordings = 0;  // all of them; the figures are of those that can be read
  double duration_s = 0;
  // Median, and where nine tenths of them lie above and below; LUFS. Nothing where all are silent.
  std::optional<double> loudness_lufs{}, quietest_lufs{}, loudest_lufs{};
  double letters_per_s = 0;                  // median; 0 where there is no transcript
  std::vector<int> rates_hz{};               // that occur, rising
  text::Script script = text::Script::none;  // of most transcripts
};

struct Report {
  base::fs::path folder;
  std::vector<Recording> recordings{};  // in the order of base::path_parts_less()
  std::vector<Speaker> speakers{};      // in the order of their folders
  std::vector<Finding> findings{};      // by kind, then in the order of the files
  bool interrupted = false;             // a signal came: nothing else is filled in

  // Recordings without a finding that makes them unusable.
  size_t usable() const;
  // Is there something that would harm training, now or in the copy that fix_folder() makes?
  enum class After { nothing, fix };
  bool harms(After after = After::nothing) const;
};

// The speaker is the folder that holds a recording. Compared within a speaker are rates of speech
// (dataset::odd_rates, between the silent ends), loudness, scripts and words, within all recordings
// the sound. The same whatever the number of workers. `on_file` is called once a recording, from
// one thread at a time. Throws as walk_tree().
Report check_folder(const base::fs::path& folder, const CheckOptions& options,
                    const std::function<void()>& on_file = {});

}  // namespace koi::check
