// What `koi validate` prints.
#pragma once

#include <string>

#include "koi/check/check_folder.h"

namespace koi::cli {

// For people: a line a speaker, the findings by kind with the first few files, a line of totals.
std::string validation_text(const check::Report& report);

// One object with everything: docs/file_formats.md lists its keys.
std::string validation_json(const check::Report& report);

}  // namespace koi::cli
