// Cleaning of texts. Source: the reference's behaviour, measured; cases in
// tests/goldens/text/clean.
#pragma once

#include <string>
#include <string_view>

namespace koi::text {

// For synthesis and training samples: white space stripped at both ends, brackets, dashes, newlines
// and emoji removed, quotes and colons made plain, runs of '.' and ',' cut to their first
// character. Not idempotent (the ends are stripped first), as the reference's. Throws
// Error(corrupt) for invalid UTF-8.
std::string clean_text(std::string_view text);

// For the packer: {...} and then <...> within a line become a space, then each run of white space
// one space; the ends are not stripped. Throws Error(corrupt) for invalid UTF-8.
std::string clean_transcript(std::string_view text);

}  // namespace koi::text
