#include "koi/text/script.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <utility>

#include "koi/base/utf8.h"
#include "koi/text/unicode.h"

namespace koi::text {
namespace {

struct Block {
  char32_t first, last;
  Script script;
};
// By rising code points.
constexpr Block kBlocks[] = {
    {0x0041, 0x024F, Script::latin},    {0x0250, 0x02AF, Script::latin},
    {0x0300, 0x036F, Script::none},     {0x0370, 0x03FF, Script::greek},
    {0x0400, 0x052F, Script::cyrillic}, {0x0590, 0x05FF, Script::hebrew},
    {0x0600, 0x06FF, Script::arabic},   {0x0750, 0x077F, Script::arabic},
    {0x08A0, 0x08FF, Script::arabic},   {0x0900, 0x097F, Script::devanagari},
    {0x0E00, 0x0E7F, Script::thai},     {0x1100, 0x11FF, Script::hangul},
    {0x1C80, 0x1C8F, Script::cyrillic}, {0x1E00, 0x1EFF, Script::latin},
    {0x1F00, 0x1FFF, Script::greek},    {0x200C, 0x200D, Script::none},
    {0x20D0, 0x20FF, Script::none},     {0x2E80, 0x2FDF, Script::han},
    {0x3005, 0x3007, Script::han},      {0x3040, 0x30FF, Script::kana},
    {0x3130, 0x318F, Script::hangul},   {0x31F0, 0x31FF, Script::kana},
    {0x3400, 0x4DBF, Script::han},      {0x4E00, 0x9FFF, Script::han},
    {0xA640, 0xA69F, Script::cyrillic}, {0xA960, 0xA97F, Script::hangul},
    {0xAC00, 0xD7FF, Script::hangul},   {0xF900, 0xFAFF, Script::han},
    {0xFB1D, 0xFB4F, Script::hebrew},   {0xFB50, 0xFDFF, Script::arabic},
    {0xFE00, 0xFE0F, Script::none},     {0xFE70, 0xFEFF, Script::arabic},
    {0xFF21, 0xFF5A, Script::latin},    {0xFF66, 0xFF9F, Script::kana},
    {0xFFA0, 0xFFDC, Script::hangul},   {0x20000, 0x323AF, Script::han},
    {0xE0100, 0xE01EF, Script::none},
};

constexpr std::array<std::string_view, 12> kNames{"none",   "Latin",      "Cyrillic", "Greek",
                                                  "Hangul", "Japanese",   "Han",      "Arabic",
                                                  "Hebrew", "Devanagari", "Thai",     "other"};

}  // namespace

Script script_of(char32_t code) {
  if (!is_word(code) || is_numeric(code) || code == U'_') return Script::none;
  const auto* block = std::lower_bound(
      std::begin(kBlocks), std::end(kBlocks), code,
      [](const Block& candidate, char32_t wanted) { return candidate.last < wanted; });
  return block != std::end(kBlocks) && block->first <= code ? block->script : Script::other;
}

Script script_of(std::string_view text) {
  std::array<size_t, kNames.size()> counts{};
  for (size_t offset = 0; offset < text.size();)
    ++counts[static_cast<size_t>(script_of(base::next_code_point(text, offset)))];
  counts[static_cast<size_t>(Script::none)] = 0;
  size_t& kana = counts[static_cast<size_t>(Script::kana)];
  if (kana > 0) kana += std::exchange(counts[static_cast<size_t>(Script::han)], 0);
  const auto most = std::max_element(counts.begin(), counts.end());
  return *most == 0 ? Script::none : static_cast<Script>(most - counts.begin());
}

std::string_view name_of(Script script) { return kNames[static_cast<size_t>(script)]; }

std::string_view language_of(Script script) {
  switch (script) {
    case Script::greek:
      return "el";
    case Script::hangul:
      return "ko";
    case Script::kana:
      return "ja";
    case Script::han:
      return "zh";
    case Script::hebrew:
      return "he";
    case Script::thai:
      return "th";
    default:
      return "";
  }
}

}  // namespace koi::text
