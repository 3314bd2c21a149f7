#include "koi/align/phrases.h"

#include <algorithm>
#include <array>
#include <optional>

#include "koi/align/spoken_units.h"
#include "koi/base/utf8.h"
#include "koi/text/clean.h"
#include "koi/text/unicode.h"

namespace koi::align {
namespace {

constexpr std::u32string_view kStops = U".!?…。！？｡؟।";
constexpr std::u32string_view kWideStops = U"。！？｡।";  // no space needs to follow
constexpr std::u32string_view kCommas = U",;:،؛、，；：—–-";
constexpr std::u32string_view kWideCommas = U"、，；：—";
constexpr std::u32string_view kClosing = U"\"')]}”’»›」』）】》〉";

bool is_one_of(char32_t code, std::u32string_view codes) { return codes.find(code) != codes.npos; }

// Before a name or a number a full stop behind these is part of the word.
bool is_title(std::u32string_view word) {
  constexpr std::array<std::u32string_view, 21> kTitles{
      U"Mr",  U"Mrs", U"Ms",  U"Dr",  U"Prof", U"St", U"Gen", U"Col",  U"Capt", U"Lt", U"Sgt",
      U"Rev", U"Hon", U"Sen", U"Gov", U"Mme",  U"Sr", U"Sra", U"Srta", U"vs",   U"No"};
  return std::find(kTitles.begin(), kTitles.end(), word) != kTitles.end();
}

// One line of the transcript, in cuts.
class Line {
 public:
  explicit Line(std::u32string_view codes) : codes_(codes) {}

  std::vector<Phrase> phrases() && {
    for (size_t i = 0; i < codes_.size();) {
      size_t end = i + 1;
      const std::optional<Ending> ending = ending_at(i, end);
      if (ending) add(end, *ending);
      i = end;
    }
    add(codes_.size(), Ending::line);
    if (!found_.empty()) {
      found_.back().ending = Ending::line;
      found_.back().space_after = true;
    }
    return std::move(found_);
  }

 private:
  bool is_space(size_t i) const { return i >= codes_.size() || text::is_white_space(codes_[i]); }

  // What ends with the marks at `i`; `end` becomes the place behind them.
  std::optional<Ending> ending_at(size_t i, size_t& end) const {
    const bool stop = is_one_of(codes_[i], kStops);
    if (!stop && !is_one_of(codes_[i], kCommas)) return std::nullopt;
    while (end < codes_.size() && is_one_of(codes_[end], kStops)) ++end;
    const size_t marks = end;
    while (end < codes_.size() && is_one_of(codes_[end], kClosing)) ++end;
    const bool wide = is_one_of(codes_[marks - 1], stop ? kWideStops : kWideCommas);
    const bool dash = codes_[i] == U'-' || codes_[i] == U'–';
    if ((!wide && !is_space(end)) || (dash && i > 0 && !is_space(i - 1))) return std::nullopt;
    if (!stop) return Ending::comma;
    const bool full_stop = codes_[i] == U'.' && end == i + 1;
    size_t next = end;
    while (next < codes_.size() && !text::is_word(codes_[next])) ++next;
    const bool goes_on = next < codes_.size() && text::is_lower(codes_[next]);
    if (full_stop && (goes_on || (next < codes_.size() && is_abbreviated(i)))) return std::nullopt;
    return goes_on ? Ending::comma : Ending::sentence;
  }

  bool is_abbreviated(size_t stop) const {
    size_t begin = stop;
    while (begin > 0 && text::is_word(codes_[begin - 1])) --begin;
    const std::u32string_view word = codes_.substr(begin, stop - begin);
    return (word.size() == 1 && text::is_upper(word[0])) || is_title(word);
  }

  // What stands before `end` and was not added yet.
  void add(size_t end, Ending ending) {
    size_t begin = begin_;
    begin_ = end;
    while (begin < end && text::is_white_space(codes_[begin])) ++begin;
    const bool space_after = end < codes_.size() && is_space(end);
    size_t last = end;
    while (last > begin && text::is_white_space(codes_[last - 1])) --last;
    if (begin == last) return;
    const std::string said = base::to_utf8(codes_.substr(begin, last - begin));
    const double units = spoken_units(said);
    if (units > 0) {
      found_.push_back({silent_ + said, units, ending, space_after});
      silent_.clear();
    } else if (!found_.empty()) {
      found_.back().text += (found_.back().space_after ? " " : "") + said;
      found_.back().space_after = space_after;
      found_.back().ending = std::max(found_.back().ending, ending);
    } else {
      silent_ += said + (space_after ? " " : "");
    }
  }

  std::u32string_view codes_;
  size_t begin_ = 0;
  std::string silent_;  // what has nothing to say, before the first phrase
  std::vector<Phrase> found_;
};

bool is_empty(std::u32string_view line) {
  return std::all_of(line.begin(), line.end(), text::is_white_space);
}

bool ends_sentence(std::u32string_view line) {
  while (!line.empty() && (text::is_white_space(line.back()) || is_one_of(line.back(), kClosing)))
    line.remove_suffix(1);
  return !line.empty() && is_one_of(line.back(), kStops);
}

// The lines; those that are only wrapped as one.
std::vector<std::u32string> lines_of(std::u32string_view codes) {
  std::vector<std::u32string_view> lines;
  for (size_t begin = 0; begin <= codes.size();) {
    const size_t end = std::min(codes.find(U'\n', begin), codes.size());
    lines.push_back(codes.substr(begin, end - begin));
    begin = end + 1;
  }
  while (!lines.empty() && is_empty(lines.back())) lines.pop_back();
  size_t empty = 0, inner = 0, sentences = 0;
  for (size_t i = 0; i + 1 < lines.size(); ++i) {
    if (is_empty(lines[i])) {
      ++empty;
    } else if (!is_empty(lines[i + 1])) {
      ++inner;
      sentences += ends_sentence(lines[i]) ? 1 : 0;
    }
  }
  const bool wrapped = empty > 0 && 2 * sentences <= inner;
  std::vector<std::u32string> joined(1);
  for (const std::u32string_view line : lines) {
    if (is_empty(line) || !wrapped) joined.emplace_back();
    joined.back() += U' ';
    joined.back() += line;
  }
  return joined;
}

}  // namespace

std::vector<Phrase> split_phrases(std::string_view text) {
  std::vector<Phrase> phrases;
  for (const std::u32string& line : lines_of(base::to_utf32(text, "transcript"))) {
    const std::u32string clean =
        base::to_utf32(text::strip_markup(base::to_utf8(line)), "transcript");
    for (Phrase& phrase : Line(clean).phrases()) phrases.push_back(std::move(phrase));
  }
  return phrases;
}

std::string join_phrases(const std::vector<Phrase>& phrases, size_t first, size_t last) {
  std::string text;
  for (size_t i = first; i < last; ++i) {
    text += phrases[i].text;
    if (i + 1 < last && phrases[i].space_after) text += ' ';
  }
  return text;
}

}  // namespace koi::align
