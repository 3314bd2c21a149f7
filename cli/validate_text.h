// What `koi validate` prints.
#pragma once

#include <optional>
#include <string>

#include "koi/audio/convert_folder.h"
#include "koi/check/check_folder.h"

namespace koi::cli {

// For people: a line a speaker, the findings by kind with the first few files, a line of totals; of
// a mended copy what was done with each file.
std::string validation_text(const check::Report& report,
                            const std::optional<audio::FolderReport>& fixed);

// One object with everything: docs/file_formats.md lists its keys.
std::string validation_json(const check::Report& report,
                            const std::optional<audio::FolderReport>& fixed);

}  // namespace koi::cli
