// Several recordings with their transcripts.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "koi/align/align_recording.h"

namespace koi::align {

struct Job {
  base::fs::path recording;
  base::fs::path text;    // empty: there is none
  base::fs::path folder;  // for the clips: OUT/SPEAKER
  double length_s = 1;    // of the recording, about
  std::string fault{};    // why it is no recording although it is called like one; else empty
};

// One recording. `speaker` is the folder's name in `output`; empty: that of the folder in which the
// recording lies. Throws Error(not_found) where there is no such file, Error(usage) where the
// speaker is no name of a folder.
Job make_job(const base::fs::path& recording, const base::fs::path& text,
             const base::fs::path& output, const std::string& speaker);

// Each recording in a folder and those below it (nothing below `output`) with the .lab, else .txt,
// of its name beside it; what is called like a recording and is none fails when its turn comes.
// Throws as make_job(), Error(not_found) where there is no recording,
// Error(usage) where two would write clips of the same name.
std::vector<Job> find_jobs(const base::fs::path& input, const base::fs::path& output,
                           const std::string& speaker);

struct Problem {
  base::fs::path recording;
  std::string message;  // one line
};

struct Report {
  size_t done = 0, skipped = 0;     // recordings
  std::vector<Problem> problems{};  // recordings that failed
  bool interrupted = false;         // a signal came; a second run goes on from there
  Aligned total{};                  // of those that are done
};

// align_recording() for each on up to `workers` threads (0: the cores). `on_progress` is told how
// many more seconds of sound are done, `on_problem` what failed, from one thread at a time.
Report run_jobs(const std::vector<Job>& jobs, const AlignOptions& options, size_t workers,
                const std::function<void(double)>& on_progress,
                const std::function<void(const Problem&)>& on_problem);

}  // namespace koi::align
