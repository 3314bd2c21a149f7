// An evaluation for people (one page with players) and for scripts.
#pragma once

#include <string>

#include "koi/eval/evaluation.h"

namespace koi::eval {

// One object; its keys are described in docs/file_formats.md. Paths of WAV files are relative to
// `output`, the evaluation's folder.
std::string to_json(const Evaluation& evaluation, const base::fs::path& output);

// A page in English and Korean that needs nothing but the WAV files beside it: the figures of all
// voices, best first, and each sentence with players and with what was heard. UTF-8 HTML that is
// well-formed XML too; every text from outside is escaped.
std::string to_html(const Evaluation& evaluation, const base::fs::path& output);

}  // namespace koi::eval
