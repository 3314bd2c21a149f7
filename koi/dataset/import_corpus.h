// A corpus brought into koi's layout: what `koi import` does.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "koi/dataset/corpus.h"

namespace koi::dataset {

// Writes a part of an open recording as a WAV file, whole or not at all.
using WritePart = std::function<void(const Part& part, const base::fs::path& to)>;
// Opens a recording for that.
using OpenRecording = std::function<WritePart(const base::fs::path& recording)>;

struct ImportOptions {
  bool copy = false;        // copy recordings instead of linking them
  bool overwrite = false;   // do again what is there already
  size_t num_workers = 16;  // threads, capped by the machine's cores
};

struct ImportReport {
  size_t done = 0, skipped = 0;             // skipped: was there already
  bool interrupted = false;                 // a signal came; a second run goes on from there
  std::map<std::string, size_t> speakers;   // utterances of each, by its folder's name
  std::map<std::string, size_t> languages;  // by the tag; not those without
};

// Writes output/SPEAKER/NAME.EXT and NAME.lab (the words, UTF-8) for each entry. Recordings are
// hard links where the file system allows, else copies; parts are cut out by `open`, one recording
// at a time. Names that come again in the folder of a speaker get -2, -3 ... in the order of the
// entries; a recording that the same speaker has twice, whole or the same part, is left out the
// second time. The .lab is written last: an utterance that has both files is skipped. `on_entry` is
// called once an entry, `left_out` for each that fails, both from one thread at a time. Throws
// Error(io) where `output` cannot be made.
ImportReport import_corpus(const std::vector<CorpusEntry>& entries, const base::fs::path& output,
                           const ImportOptions& options, const OpenRecording& open,
                           const LeftOutSink& left_out, const std::function<void()>& on_entry);

}  // namespace koi::dataset
