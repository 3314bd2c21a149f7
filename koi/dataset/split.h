// Recordings and their transcripts parted into file lists for training and for validation: what
// `koi split` does.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "koi/dataset/file_list.h"

namespace koi::dataset {

struct SplitOptions {
  // Recordings for validation; by neither of both it is a fifth, at most 100.
  std::optional<double> ratio{};                             // of all, 0 to below 1
  std::optional<int64_t> count{};                            // at least 1
  std::vector<std::string> text_extensions{".lab", ".txt"};  // the first that is there counts
  std::optional<double> min_duration_s{}, max_duration_s{};
};

// A recording with its words.
struct SplitEntry {
  base::fs::path recording;
  std::string speaker, language, text;
};

// Of recordings in `root`: the speaker is the folder's name, the text that of the transcript beside
// (read_transcript, repaired). Those without one go to `left_out`.
std::vector<SplitEntry> split_entries(const std::vector<base::fs::path>& recordings,
                                      const SplitOptions& options, const LeftOutSink& left_out);

// Of a file list. Lines that name no file or have no text go to `left_out`.
std::vector<SplitEntry> split_entries(const base::fs::path& list, const LeftOutSink& left_out);

struct SplitReport {
  size_t train = 0, validation = 0;
  size_t too_short = 0, too_long = 0;  // in neither list
  base::fs::path train_list{}, validation_list{};
};

// Writes root/vq_train_filelist.txt and root/vq_val_filelist.txt, lines path|speaker|language|text
// in the order of the paths, which are relative to `root` where they lie in it; extract-vq and
// build-dataset read them. All recordings of one text are on the same side, chosen by the text's
// hash as choose_held_out() does: the same ones whatever stands beside them. `duration_s` measures
// a recording where the options ask for it, from several threads; an Error there leaves it out.
// Throws Error(usage) for impossible options, Error(corrupt) where no recording is left, Error(io),
// base::Interrupted.
// Differs: the reference lists paths only, in an order drawn at random, and may have a text on both
// sides; its own programs do not read what it writes.
SplitReport write_split(const base::fs::path& root, std::vector<SplitEntry> entries,
                        const SplitOptions& options,
                        const std::function<double(const base::fs::path&)>& duration_s,
                        const LeftOutSink& left_out);

}  // namespace koi::dataset
