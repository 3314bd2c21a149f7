#include "koi/align/clips.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace koi::align {
namespace {

class ClipChoice {
 public:
  ClipChoice(const std::vector<Phrase>& phrases, const SpeechMap& map, double fits,
             const ClipOptions& options)
      : phrases_(phrases), map_(map), fits_(fits), options_(options) {}

  // Cuts a run of groups that follow each other without a gap where it costs least.
  void add_run(std::span<const Group> run, std::vector<Clip>& clips) const {
    std::vector<double> cost(run.size() + 1, std::numeric_limits<double>::infinity());
    std::vector<size_t> from(run.size() + 1, 0);
    cost[0] = 0;
    for (size_t end = 1; end <= run.size(); ++end) {
      for (size_t begin = end; begin-- > 0;) {
        const auto part = run.subspan(begin, end - begin);
        if (part.size() > 1 && duration_s(part) > 2 * options_.longest_s) break;
        const double with = cost[begin] + cost_of(part);
        if (with >= cost[end]) continue;
        cost[end] = with;
        from[end] = begin;
      }
    }
    std::vector<Clip> found;
    for (size_t end = run.size(); end > 0; end = from[end])
      found.push_back(clip_of(run.subspan(from[end], end - from[end])));
    clips.insert(clips.end(), found.rbegin(), found.rend());
  }

 private:
  static double confidence_of(std::span<const Group> part) {
    return std::clamp(part.front().begins * part.back().ends, 0.0, 1.0);
  }

  double duration_s(std::span<const Group> part) const {
    return map_.speech[part.back().to - 1].end_s - map_.speech[part.front().from].begin_s;
  }

  bool ends_sentence(const Group& group) const {
    return phrases_[group.last - 1].ending != Ending::comma;
  }

  // In units of one sentence too many in a clip.
  double cost_of(std::span<const Group> part) const {
    constexpr double kComma = 6, kShort = 4, kLong = 4, kUnsure = 2, kFaint = 1e-3;
    double cost = ends_sentence(part.back()) ? 0 : kComma;
    for (const Group& group : part.first(part.size() - 1)) cost += ends_sentence(group) ? 1 : 0;
    const double length_s = duration_s(part);
    cost += kShort * std::max(0.0, 1 - length_s / options_.shortest_s);
    cost += kLong * std::max(0.0, length_s - options_.longest_s);
    return cost - kUnsure * std::log(std::max(confidence_of(part), kFaint));
  }

  Clip clip_of(std::span<const Group> part) const {
    constexpr double kKeptS = 0.2;
    const std::vector<Stretch>& speech = map_.speech;
    const size_t from = part.front().from, to = part.back().to;
    const double before_s = from > 0 ? (speech[from - 1].end_s + speech[from].begin_s) / 2 : 0;
    const double after_s =
        to < speech.size() ? (speech[to - 1].end_s + speech[to].begin_s) / 2 : map_.duration_s;
    return {Stretch{std::max(before_s, speech[from].begin_s - kKeptS),
                    std::min(after_s, speech[to - 1].end_s + kKeptS)},
            fits_ * confidence_of(part),
            join_phrases(phrases_, part.front().first, part.back().last)};
  }

  const std::vector<Phrase>& phrases_;
  const SpeechMap& map_;
  double fits_;
  const ClipOptions& options_;
};

}  // namespace

std::vector<Clip> choose_clips(const std::vector<Phrase>& phrases, const SpeechMap& map,
                               const Alignment& alignment, const ClipOptions& options) {
  const ClipChoice choice(phrases, map, alignment.fits, options);
  const std::vector<Group>& groups = alignment.groups;
  std::vector<Clip> clips;
  size_t phrase = 0;
  const auto add_unread = [&](size_t last) {
    if (phrase < last) clips.push_back({{}, 0, join_phrases(phrases, phrase, last)});
  };
  for (size_t begin = 0; begin < groups.size();) {
    size_t end = begin + 1;
    while (end < groups.size() && groups[end].first == groups[end - 1].last &&
           groups[end].from == groups[end - 1].to)
      ++end;
    add_unread(groups[begin].first);
    choice.add_run(std::span(groups).subspan(begin, end - begin), clips);
    phrase = groups[end - 1].last;
    begin = end;
  }
  add_unread(phrases.size());
  return clips;
}

}  // namespace koi::align
