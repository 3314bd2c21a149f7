// The sentences that voices are measured by.
#pragma once

#include <string>
#include <vector>

#include "koi/base/files.h"

namespace koi::eval {

struct Sentence {
  std::string name;            // its own among all; may be a file's
  std::string text;            // as it is to be said, 1 to kMaxTextBytes bytes of UTF-8
  base::fs::path recording{};  // of this sentence; empty where there is none
};

inline constexpr size_t kMaxTextBytes = 4096;

// The lines NAME<tab>TEXT of a file (empty ones and those that begin with # are skipped), in their
// order; or of a folder, not of those in it, each .lab and the name of its file, sorted. A sentence
// has the recording that is called like it in the folder `recordings`; where that is empty, a
// folder of sentences is meant itself. Throws Error(not_found) where there is no such file or
// folder, no sentence, or no recording of any of them in `recordings`; Error(corrupt) naming file
// and line for a name that comes twice or could be no file's, a text that is missing, too long or
// not UTF-8; Error(usage) for two recordings with one name (a.wav, a.flac).
std::vector<Sentence> read_sentences(const base::fs::path& list, const base::fs::path& recordings);

// A name that can be a file's or a folder's: 1 to 200 bytes, no '/' and no control character in it,
// no '.' in front. Throws Error(corrupt) naming `where`.
void check_name(const std::string& name, const std::string& where);

}  // namespace koi::eval
