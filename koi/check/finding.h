// What can be wrong with recordings and transcripts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "koi/base/files.h"

namespace koi::check {

// In the order in which they are told: first what would harm training.
enum class Kind {
  unreadable,
  silent,
  too_short,
  clipped,
  telephone,
  no_transcript,
  empty_transcript,
  unreadable_transcript,
  encoding,
  unknown_encoding,
  markup,
  odd_rate,
  contradicting_text,
  bad_codes,
  shared_name,
  // Remarks.
  duplicate_audio,
  duplicate_text,
  tags,
  utf16,
  dc_offset,
  silent_ends,
  narrow_band,
  loudness_outlier,
  too_long,
  other_script,
  no_codes,
  orphan_transcript,
  odd_entry,
};
inline constexpr size_t kKinds = static_cast<size_t>(Kind::odd_entry) + 1;

// What fix_folder() does about it.
enum class Mending {
  by_hand,   // nothing
  mended,    // in the copy
  left_out,  // the recording is not copied
};

struct KindInfo {
  std::string_view name;    // "no-transcript"
  std::string_view title;   // a few words
  std::string_view korean;  // the same in Korean
  std::string_view fix;     // a sentence, what to do about it
  bool harms;               // training; else it is a remark
  bool unusable;            // the recording cannot be trained on
  Mending mending;
};
const KindInfo& info_of(Kind kind);

struct Finding {
  Kind kind;
  base::fs::path path;                // relative to the folder
  std::string what;                   // a sentence about this file without its name, one line
  std::optional<size_t> recording{};  // its index in the report
};

}  // namespace koi::check
