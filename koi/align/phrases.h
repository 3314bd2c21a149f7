// A transcript as phrases: what is said between two places where a reader may pause.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace koi::align {

// The last two end a sentence.
enum class Ending { comma, sentence, line };
inline constexpr size_t kEndings = 3;

struct Phrase {
  std::string text;  // not empty, ends stripped, all white space a single space
  double units = 0;  // spoken_units(), over 0
  Ending ending = Ending::line;
  bool space_after = true;  // false between phrases of scripts without spaces
};

// Cuts behind commas and their kin, behind . ! ? … 。 ！ ？ with the quotes and brackets that close
// there, and at line ends. A full stop ends no sentence in "3.5", behind a title ("Dr. Lee"), a
// capital ("J. S. Bach") and before a small letter; the other marks before a small letter count as
// a comma. Where a text has empty lines, and no more than half of the other line ends stand behind
// a sentence, its lines are only wrapped, and just the empty ones end one. What has nothing to say
// in it goes to the phrase beside it in its line. Markup is taken away (text::strip_markup). The
// text has "\n" for line ends. Throws Error(corrupt) for invalid UTF-8.
std::vector<Phrase> split_phrases(std::string_view text);

// The phrases first .. last-1 as one text.
std::string join_phrases(const std::vector<Phrase>& phrases, size_t first, size_t last);

}  // namespace koi::align
