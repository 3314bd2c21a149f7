// Recognisers and the makers of speaker embeddings: programs of other makers, spoken to in lines.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "koi/base/files.h"

namespace koi::eval {

// A command line of sh. It is started once for all that it is asked, reads from its standard input
// lines
//   NAME<tab>WAV<tab>TEXT
// (UTF-8; WAV a path to a 16-bit WAV file with one channel; TEXT what was to be said, numbers in
// words, so that a closed language model may be built), and writes to its standard output, in any
// order, for each of them
//   NAME<tab>ANSWER
// once: a recogniser what it hears, maybe nothing; an embedder numbers with spaces between, as many
// for each, or nothing where it cannot tell. It may read all lines before its first answer. A line
// with an empty WAV asks for no answer: it tells of a text of this run whose answer is known
// already. At the end of its input it ends, with status 0.
struct Program {
  std::string name;
  std::string command;
};

struct Request {
  std::string name;    // its own among all
  base::fs::path wav;  // empty: no answer is asked for
  std::string text;
};

struct AskOptions {
  unsigned idle_s = 600;  // without an answer, then it is taken to hang
  base::fs::path log;     // what it writes to standard error, alone
};

// Calls `take` with the place of each request that has a WAV, once, and its answer, with its ends
// stripped. Nothing runs where there is none. Throws Error(not_found) where the command cannot be
// started; Error(io) where it fails or hangs; Error(corrupt) for an answer that was not asked for,
// comes twice, is no line of the above, not UTF-8 or longer than 256 KiB, and where one is missing
// at its end; base::Interrupted. It is killed then, with all that it has started.
void ask(const Program& program, const std::vector<Request>& requests, const AskOptions& options,
         const std::function<void(size_t request, std::string answer)>& take);

}  // namespace koi::eval
