// Codes of a whole folder of recordings: beside each audio file a .npy of its codes, int32 [K, T].
// Source: the reference's tools/vqgan/extract_vq.py (behaviour).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "koi/base/share.h"
#include "koi/codec/firefly.h"

namespace koi::codec {

struct ExtractFailure {
  std::string file;     // its path, or "LIST, line 3"
  std::string message;  // one line: the file, what is wrong with it
};

struct ExtractPlan {
  std::vector<base::fs::path> files;  // in the order of the work, each once
  // Of a folder: what is called like a recording and is none. Of a list: files that are not there,
  // lines that are none.
  std::vector<ExtractFailure> failures;
};

// The audio files below `folder`, sorted. Throws Error(not_found) where there is no such folder or
// no audio file in it, Error(usage) where two files (a.wav, a.flac) would have the same .npy.
ExtractPlan plan_folder(const base::fs::path& folder);

// The files of a list, in its order. Lines are "path|speaker|language|text", of which only the path
// is used, or a bare path; a relative one is looked up in the working folder, then in the list's
// own, then in `folder`. Empty lines are skipped. Throws as plan_folder().
// Differs: the reference refuses bare paths, and languages other than zh, jp, ja and en; it looks
// in the working folder only.
ExtractPlan plan_filelist(const base::fs::path& filelist, const base::fs::path& folder);

// What one of several processes does of a plan; its failures are told by the first.
ExtractPlan share_of(ExtractPlan plan, const base::Share& share);

struct ExtractOptions {
  size_t batch_size = 64;  // files that are read ahead
  // Threads that read them, at most as many as cores. Not where several threads encode a file each,
  // on a CPU and without reference_padding: each then reads its own.
  size_t num_workers = 1;
  bool overwrite = false;          // extract again what is there already
  bool reference_padding = false;  // encode batch_size files at once, zero-padded to the longest
  // Of each file, NAME.npy the first; the others, NAME.shift1 and so on, are of the recording
  // behind 1/shifts of a column of silence, 2/shifts, ...: other codes of the same sound. Those
  // that an earlier run made beyond them are removed.
  int shifts = 1;
};

inline constexpr int kMostShifts = 16;

struct ExtractReport {
  size_t extracted = 0;                  // .npy files written
  size_t present = 0;                    // sound .npy files that were there already
  std::vector<ExtractFailure> failures;  // those of the plan first
  double audio_s = 0;                    // of the extracted files
  size_t files = 0;                      // .npy files that were looked at
  bool stopped = false;                  // a signal came before the last; a second run goes on
};

// Writes the codes of the plan's files, each .npy whole or not at all. One that is there is kept
// only when it is int32 [K, T], its codes in range and T that of the audio; where the audio's
// length takes decoding (what ffmpeg reads), when it is not older than the audio instead. A file
// that is unreadable or too short for one column is a failure in the report, and the work goes on;
// stop_requested() ends it between two files. A file's codes depend on nothing but the file. What a
// killed run left half written beside the files goes. `on_file` is called when a file is done with,
// from one thread at a time; the failure is null where it went well, `audio_s` 0 where nothing was
// encoded. On a CPU, many files are shared over tensor::thread_count() threads, of few files each
// is encoded by all of them.
// Differs: the reference takes any .npy as done, works in random order, lets the zero padding of a
// batch change a file's last column (so does `reference_padding`), writes empty arrays for short
// files, and ends with success whatever failed.
using OnExtracted = std::function<void(const ExtractFailure*, double audio_s)>;
ExtractReport extract_codes(const Firefly& codec, const ExtractPlan& plan,
                            const ExtractOptions& options, const OnExtracted& on_file = {});

}  // namespace koi::codec
