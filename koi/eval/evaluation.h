// Voices measured on sentences by what recognisers hear, how like the recordings' speaker they are,
// and by their sound.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "koi/eval/program.h"
#include "koi/eval/totals.h"

namespace koi::eval {

struct Settings {
  base::fs::path output;  // folder
  std::vector<Program> recognizers{};
  std::optional<Program> embedder{};
  unsigned idle_s = 600;  // see AskOptions
};

struct Evaluation {
  std::vector<Sentence> sentences;
  std::vector<std::string> recognizers;
  std::optional<std::string> embedder;
  std::vector<Row> rows;  // see put_in_order()
};

struct Events {
  std::function<void(const Voice&, const Take&)> on_take;
  // Before a program is asked for so many answers, and after each of them.
  std::function<void(const Program&, size_t asked)> on_start;
  std::function<void()> on_answer;
};

// Lets every voice speak, into output/VOICE/NAME.wav, and asks the programs about all of it, by
// names VOICE/NAME; what they have to say goes to output/PROGRAM.log. What an earlier run in this
// folder made or asked is not made or asked again (output/kept.jsonl) where it depends on the same:
// an answer on the WAV file and its text, the command with the files that it names, and the set of
// texts. An embedder needs a voice of Kind::originals: likeness is the cosine of a sentence's
// embedding with the mean of that voice's, for that voice itself without its own.
// Throws Error(usage) for no voices, for voices or programs of equal names, for an embedder without
// recordings, and for tabs and line ends in the path of `output`; Error(corrupt) for names that can
// be no file's; Error(io) where another evaluation is at work in the folder; and what make_takes()
// and ask() throw.
Evaluation evaluate(const Settings& settings, std::vector<Sentence> sentences,
                    const std::vector<Voice>& voices, const Events& events);

}  // namespace koi::eval
