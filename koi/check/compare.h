// What shows only when recordings are compared with each other. Internal to koi/check.
#pragma once

#include "koi/check/check_folder.h"

namespace koi::check {

// Fills in the speakers' figures, tells the encodings of transcripts that are no UTF-8, and appends
// findings: encoding, unknown_encoding, odd_rate, contradicting_text, duplicate_audio,
// duplicate_text, loudness_outlier, other_script and no_codes.
void compare_recordings(Report& report);

}  // namespace koi::check
