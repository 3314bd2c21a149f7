// Packing: codes (.npy) and transcripts of a folder or file list become shards. Source: the
// reference's build_dataset, measured; cases in tests/goldens/data/protos.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "koi/base/files.h"
#include "koi/base/share.h"
#include "koi/dataset/transcript.h"
#include "koi/text/normalize.h"

namespace koi::dataset {

struct PackOptions {
  // Folders, searched for .npy files, or file lists (path|speaker|language|text a line).
  std::vector<base::fs::path> inputs;
  base::fs::path output = "data/quantized-dataset-ft";
  std::vector<std::string> text_extensions{".txt"};  // with or without the dot
  uint64_t shard_size_mib = 10;  // a shard ends behind the record that makes it larger
  size_t num_workers = 16;       // capped by the machine's cores
  // reference: the reference's bytes, faults and all (spec: BOM and empty texts kept, UTF-16
  // refused, ends not stripped, records without sentences written, old shards left in place).
  // Where the reference stops with an exception at a file's codes, that file is reported.
  TextRules rules = TextRules::repaired;
  // Numbers in transcripts, read out behind all cleaning. A transcript of which nothing is left is
  // reported.
  text::NumberReading numbers = text::NumberReading::none;
  base::Share share{};  // of several processes that pack together, this one's part
};

struct PackFailure {
  std::string path;    // the file or line that was left out
  std::string reason;  // one line
};

// Called from the thread that packs.
struct PackListener {
  std::function<void(const PackFailure&)> failed;
  // Files of this process's part, and the frames of those that were packed.
  std::function<void(uint64_t done, uint64_t total, uint64_t frames)> progress;
};

struct PackReport {
  std::vector<base::fs::path> shards;   // written
  std::vector<base::fs::path> removed;  // shards of an earlier run that are gone or replaced
  uint64_t records = 0;
  uint64_t sentences = 0;
  uint64_t frames = 0;
  uint64_t bytes = 0;
  uint64_t failures = 0;
  bool is_part = false;      // no shards yet: sentences, frames and failures are those of the part
  size_t missing_parts = 0;  // of other processes, then; 0: one of them makes the shards now
};

// Packs all inputs, in their order. A folder: its .npy files in the order of their path parts, one
// record a folder that holds some, named after it; the transcript has the same name and the
// extension asked for (several extensions: all must be there). A file list: one record a speaker in
// the order of their first lines, codes beside the audio file, which must be there; paths are
// relative to the working folder, or else to the list's; no line is left out because another one
// names the same file.
//
// The shards of `output` are replaced as a whole once all is well: files named as shards are
// (00000000.protos), directly in it, are removed; everything else in it stays. After an exception
// it is as it was, but for the hidden pieces of several processes. Files that cannot be packed are
// reported and left out. Memory does not grow with the sentences, but for their names.
//
// Several processes (`share`) each pack a range of the entries into a piece in a hidden folder of
// the output; the last one makes the shards, the same as one process would, and reports for all. No
// process waits for another one or needs it to live: where one has died it is run again alone. A
// piece that an earlier run wrote of the same files (by name, size and time) and options counts.
//
// Throws Error(usage) for no inputs, Error(not_found) for missing ones, Error(corrupt) for a file
// list that is no text or a dataset without any sentence (not with the reference's rules),
// Error(io) where the output cannot be written, base::Interrupted at the next file when
// base::stop_requested().
PackReport pack_dataset(const PackOptions& options, const PackListener& listener);

// The shards that packing into `output` would replace; none where there is no such folder.
std::vector<base::fs::path> stale_shards(const base::fs::path& output);

// Other shards below `output`, which training would read too.
std::vector<base::fs::path> foreign_shards(const base::fs::path& output);

}  // namespace koi::dataset
