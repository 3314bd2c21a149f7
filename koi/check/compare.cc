#include "koi/check/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "koi/base/error.h"
#include "koi/dataset/speech_rate.h"
#include "koi/text/encoding.h"

namespace koi::check {
namespace {

using text::Script;

// The value below which lies this share of the values; these are not empty and get sorted.
double quantile(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  return values[static_cast<size_t>(std::lround(place))];
}

std::string quoted(const base::fs::path& path) { return printable(path.string()); }

class Comparison {
 public:
  explicit Comparison(Report& report) : report_(report) {}

  void run() {
    std::vector<std::vector<size_t>> members(report_.speakers.size());
    for (size_t i = 0; i < report_.recordings.size(); ++i)
      members[report_.recordings[i].speaker].push_back(i);
    for (size_t s = 0; s < members.size(); ++s) {
      Speaker& speaker = report_.speakers[s];
      speaker.recordings = members[s].size();
      sum_up(speaker, members[s]);
      name_encodings(members[s]);
      compare_loudness(speaker, members[s]);
      compare_rates(speaker, members[s]);
      compare_scripts(speaker, members[s]);
      compare_texts(members[s]);
    }
    compare_sounds();
    look_for_codes();
  }

 private:
  const Recording& at(size_t i) const { return report_.recordings[i]; }

  void find(Kind kind, size_t i, std::string what) {
    report_.findings.push_back({kind, at(i).path, std::move(what), i});
  }

  bool is_silent(size_t i) const { return !at(i).sound || at(i).sound->rms == 0; }

  bool has_loudness(size_t i) const {
    return at(i).sound && at(i).sound->loudness_lufs && std::isfinite(*at(i).sound->loudness_lufs);
  }

  void sum_up(Speaker& speaker, const std::vector<size_t>& members) const {
    std::set<int> rates;
    for (const size_t i : members) {
      if (!at(i).sound) continue;
      speaker.duration_s += at(i).sound->duration_s();
      rates.insert(at(i).sound->sample_rate_hz);
    }
    speaker.rates_hz.assign(rates.begin(), rates.end());
  }

  // By all the speaker's undecoded transcripts together, for one of them is short.
  void name_encodings(const std::vector<size_t>& members) {
    std::string together;
    constexpr size_t kEnough = 1 << 16;
    for (const size_t i : members) {
      if (at(i).undecoded.empty() || together.size() >= kEnough) continue;
      together += at(i).undecoded + "\n";  // which also ends a character that was cut in two
    }
    std::string_view encoding = text::guess_encoding(together);
    for (const size_t i : members) {
      if (at(i).undecoded.empty()) continue;
      Recording& recording = report_.recordings[i];
      recording.encoding =
          text::decode(recording.undecoded, encoding) ? encoding : std::string_view();
      if (recording.encoding.empty()) {
        find(Kind::unknown_encoding, i, "its transcript is not UTF-8");
      } else {
        find(Kind::encoding, i, "its transcript is " + std::string(recording.encoding));
      }
      recording.undecoded.clear();
    }
  }

  void compare_loudness(Speaker& speaker, const std::vector<size_t>& members) {
    constexpr double kFar_lu = 10;
    constexpr size_t kFewest = 5;
    std::vector<double> levels;
    for (const size_t i : members) {
      if (has_loudness(i)) levels.push_back(*at(i).sound->loudness_lufs);
    }
    if (levels.empty()) return;
    speaker.loudness_lufs = quantile(levels, 0.5);
    speaker.quietest_lufs = quantile(levels, 0.1);
    speaker.loudest_lufs = quantile(levels, 0.9);
    if (levels.size() < kFewest) return;
    for (const size_t i : members) {
      if (!has_loudness(i)) continue;
      const double apart = *at(i).sound->loudness_lufs - *speaker.loudness_lufs;
      if (std::abs(apart) > kFar_lu)
        find(Kind::loudness_outlier, i,
             fmt::format("is {:.1f} LU {} than the speaker's median", std::abs(apart),
                         apart > 0 ? "louder" : "softer"));
    }
  }

  void compare_rates(Speaker& speaker, const std::vector<size_t>& members) {
    std::vector<size_t> judged;
    std::vector<dataset::SpokenLetters> texts;
    std::vector<double> rates;
    for (const size_t i : members) {
      if (!at(i).transcript || is_silent(i)) continue;
      judged.push_back(i);
      texts.push_back({at(i).transcript->letters, sounding_s(*at(i).sound)});
      rates.push_back(texts.back().letters / texts.back().duration_s);
    }
    if (rates.empty()) return;
    const std::vector<double> by_recording = rates;
    speaker.letters_per_s = quantile(rates, 0.5);
    for (const size_t odd : dataset::odd_rates(texts))
      find(Kind::odd_rate, judged[odd],
           fmt::format("would be spoken at {:.1f} letters a second ({} words in {:.1f} s), the "
                       "speaker's median is {:.1f}",
                       by_recording[odd], at(judged[odd]).transcript->words, texts[odd].duration_s,
                       speaker.letters_per_s));
  }

  void compare_scripts(Speaker& speaker, const std::vector<size_t>& members) {
    constexpr size_t kFewest = 5;
    std::map<Script, size_t> counts;
    size_t texts = 0;
    for (const size_t i : members) {
      if (!at(i).transcript || at(i).transcript->script == Script::none) continue;
      ++counts[at(i).transcript->script];
      ++texts;
    }
    // A Japanese sentence may do without Kana.
    if (counts.contains(Script::kana)) {
      counts[Script::kana] += counts[Script::han];
      counts.erase(Script::han);
    }
    if (counts.empty()) return;
    const auto most =
        std::max_element(counts.begin(), counts.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    speaker.script = most->first;
    if (texts < kFewest || 2 * most->second <= texts) return;
    for (const size_t i : members) {
      if (!at(i).transcript) continue;
      const Script script = at(i).transcript->script;
      const bool is_kanji = script == Script::han && speaker.script == Script::kana;
      if (script != Script::none && script != speaker.script && !is_kanji)
        find(Kind::other_script, i,
             fmt::format("its transcript is in {} script, the speaker's others in {}",
                         text::name_of(script), text::name_of(speaker.script)));
    }
  }

  void compare_texts(const std::vector<size_t>& members) {
    std::map<std::string_view, size_t> first;
    for (const size_t i : members) {
      if (!at(i).transcript || !at(i).sound) continue;
      const auto [place, is_new] = first.emplace(at(i).transcript->hash, i);
      if (!is_new && at(place->second).sound->hash != at(i).sound->hash)
        find(Kind::duplicate_text, i, "has the words of " + quoted(at(place->second).path));
    }
  }

  void compare_sounds() {
    std::map<std::string_view, std::vector<size_t>> same;
    for (size_t i = 0; i < report_.recordings.size(); ++i) {
      if (!is_silent(i)) same[at(i).sound->hash].push_back(i);
    }
    for (const auto& [hash, copies] : same) {
      if (copies.size() > 1) judge_copies(copies);
    }
  }

  bool has_words(size_t i) const { return at(i).transcript || !at(i).encoding.empty(); }

  // The first one with words is the one to keep, unless others have different words.
  void judge_copies(const std::vector<size_t>& copies) {
    const auto worded =
        std::find_if(copies.begin(), copies.end(), [this](size_t i) { return has_words(i); });
    const size_t kept = worded == copies.end() ? copies.front() : *worded;
    std::set<std::string_view> texts;
    for (const size_t i : copies) {
      if (at(i).transcript) texts.insert(at(i).transcript->hash);
    }
    const bool contradict = texts.size() > 1;
    for (const size_t i : copies) {
      const size_t other = i == kept ? copies[kept == copies.front() ? 1 : 0] : kept;
      if (contradict && at(i).transcript) {
        find(Kind::contradicting_text, i,
             "is the same recording as " + quoted(at(other).path) + ", with other words");
      } else if (i != kept) {
        find(Kind::duplicate_audio, i, "is the same recording as " + quoted(at(kept).path));
      }
    }
  }

  void look_for_codes() {
    const auto has_codes = [](const Recording& recording) { return recording.codes.has_value(); };
    if (std::none_of(report_.recordings.begin(), report_.recordings.end(), has_codes)) return;
    std::error_code ignored;
    for (size_t i = 0; i < report_.recordings.size(); ++i) {
      const base::fs::path codes =
          report_.folder / base::fs::path(at(i).path).replace_extension(".npy");
      if (at(i).sound && !has_codes(at(i)) && !base::fs::exists(codes, ignored))
        find(Kind::no_codes, i, "has no codes beside it");
    }
  }

  Report& report_;
};

}  // namespace

void compare_recordings(Report& report) { Comparison(report).run(); }

}  // namespace koi::check
