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

// clean_transcript() of the text without what was never spoken and would stay: white space of any
// kind becomes a space first (so that markup over several lines goes too), "[...]" a space, and
// &amp; &lt; &gt; &quot; &apos; &nbsp; &#N; &#xN; the character that they stand for; ends stripped.
// Idempotent. Throws Error(corrupt) for invalid UTF-8. Differs: the reference has no such thing.
std::string strip_markup(std::string_view text);

}  // namespace koi::text
