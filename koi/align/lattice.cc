#include "koi/align/lattice.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "koi/base/error.h"
#include "koi/base/interrupt.h"

namespace koi::align {
namespace {

constexpr double kEdgeStrays = 0.02;          // the script may well begin late and end early
constexpr double kSkip = 0.5;                 // that one more phrase is left out
constexpr double kOffS = 8, kEdgeOffS = 120;  // mean time of something else
constexpr size_t kMostPhrases = 3;            // in one breath
constexpr double kBeam = 1e-20;  // nodes less probable than the best of their layer end here
constexpr size_t kMostNodes = size_t{80} << 20;
constexpr double kNever = -std::numeric_limits<double>::infinity();

}  // namespace

Lattice::Lattice(const std::vector<Phrase>& phrases, const SpeechMap& map, const Reader& reader)
    : phrases_(phrases), reader_(reader), layers_(phrases.size() + 1) {
  const std::vector<Stretch>& speech = map.speech;
  spoken_s_.push_back(0);
  pause_s_.push_back(0);
  for (size_t i = 0; i < speech.size(); ++i) {
    spoken_s_.push_back(spoken_s_.back() + speech[i].duration_s());
    pause_s_.push_back(i + 1 < speech.size() ? speech[i + 1].begin_s - speech[i].end_s : 0);
  }
  for (size_t k = 0; k < kEndings; ++k) {
    gains_[k].assign(spoken_s_.size(), 1);  // at both ends there is no choice
    for (size_t p = 1; p < end(); ++p) {
      gains_[k][p] = reader.pause_share[k] * reader.pauses[k].density(pause_s_[p]) /
                     (reader.inner_pauses_per_s * reader.inner_pauses.density(pause_s_[p]));
    }
  }
  size_t nodes = 0;
  for (size_t read = 0; read < layers_.size(); ++read) {
    forward(read);
    nodes += layers_[read].ends.size();
    if (nodes > kMostNodes) {
      throw Error(ErrorKind::unsupported, "align",
                  "the recording has too many pauses where a sentence may end to look at them all",
                  "cut recording and transcript into parts of a few hours");
    }
  }
  const Layer& whole = layers_.back();
  log_evidence_ = whole.has(end()) ? std::log(whole.begins(end())) + whole.log_scale : kNever;
  if (log_evidence_ == kNever) return;
  for (size_t read = layers_.size(); read-- > 0;) backward(read);
}

Breath Lattice::breath(size_t first, size_t last) const {
  return breath_of(reader_, std::span(phrases_).subspan(first, last - first));
}

// Moves `pauses` on to where a breath may end that begins at `pause`; it may come from any pause
// before.
void Lattice::reach(size_t pause, const Breath& breath, Pauses& pauses) const {
  const double first_s = spoken_s_[pause] + breath.shortest_s();
  const double last_s = spoken_s_[pause] + breath.longest_s();
  while (pauses.begin <= end() && spoken_s_[pauses.begin] < first_s) ++pauses.begin;
  pauses.end = std::max(pauses.end, pauses.begin);
  while (pauses.end <= end() && spoken_s_[pauses.end] <= last_s) ++pauses.end;
}

double Lattice::leaves(size_t read) const {
  return read == 0 || read == phrases_.size() ? kEdgeStrays : reader_.strays;
}

double Lattice::stays_off(size_t read, size_t stretch) const {
  const bool edge = read == 0 || read == phrases_.size();
  return std::exp((spoken_s_[stretch] - spoken_s_[stretch + 1]) / (edge ? kEdgeOffS : kOffS));
}

void Lattice::forward(size_t read) {
  if (base::stop_requested())
    throw base::Interrupted("align", "stopped", "the same command goes on from here");
  Layer& layer = layers_[read];
  if (read == 0) {
    layer.ends = {1};
    layer.off = {leaves(0)};
    follow_off(read);
    return;
  }
  const size_t most = std::min(read, kMostPhrases);
  layer.first = end();
  layer.log_scale = kNever;
  size_t last = 0;
  for (size_t k = 1; k <= most; ++k) {
    const Layer& from = layers_[read - k];
    layer.log_scale = std::max(layer.log_scale, from.log_scale);
    layer.first = std::min(layer.first, from.first);
    Pauses pauses{from.last() - 1, from.last() - 1};
    reach(from.last() - 1, breath(read - k, read), pauses);
    last = std::max({last, from.last(), pauses.end});
  }
  layer.ends.assign(last - layer.first, 0);
  layer.off.assign(last - layer.first, 0);
  for (size_t k = 1; k <= most; ++k) add_breaths(layers_[read - k], breath(read - k, read), layer);
  const Layer& from = layers_[read - 1];
  const double factor = kSkip * std::exp(from.log_scale - layer.log_scale);
  for (size_t p = layer.first; p < last; ++p) {
    const size_t at = p - layer.first;
    layer.ends[at] *= gains_[ending(read - 1)][p];
    layer.off[at] = layer.ends[at] * leaves(read);
    if (from.has(p)) layer.off[at] += from.off[p - from.first] * factor;
  }
  follow_off(read);
  if (read < phrases_.size()) trim(layer);
}

void Lattice::add_breaths(const Layer& from, const Breath& breath, Layer& to) const {
  const double factor = std::exp(from.log_scale - to.log_scale) * breath.together;
  const BreathTable times(breath, reader_.spread);
  Pauses pauses{from.first, from.first};
  for (size_t q = from.first; q < from.last(); ++q) {
    const double weight = from.begins(q) * factor;
    reach(q, breath, pauses);
    for (size_t p = pauses.begin; p < pauses.end; ++p) {
      to.ends[p - to.first] += weight * times.density(spoken_s_[p] - spoken_s_[q]);
    }
  }
}

// Off the script from stretch to stretch, as far as that is probable.
void Lattice::follow_off(size_t read) {
  Layer& layer = layers_[read];
  double best = 0;
  for (size_t at = 0; at < layer.off.size(); ++at) {
    if (at > 0) layer.off[at] += layer.off[at - 1] * stays_off(read, layer.first + at - 1);
    best = std::max({best, layer.ends[at], layer.off[at]});
  }
  while (layer.last() <= end()) {
    const double next = layer.off.back() * stays_off(read, layer.last() - 1);
    if (next <= kBeam * best && read < phrases_.size()) break;
    layer.ends.push_back(0);
    layer.off.push_back(next);
  }
}

// Drops what is improbable at both ends, and makes the best 1.
void Lattice::trim(Layer& layer) {
  double best = 0;
  for (size_t at = 0; at < layer.off.size(); ++at)
    best = std::max({best, layer.ends[at], layer.off[at]});
  const auto faint = [&](size_t at) {
    return std::max(layer.ends[at], layer.off[at]) < kBeam * best;
  };
  size_t begin = 0, stop = layer.ends.size();
  while (faint(begin)) ++begin;
  while (faint(stop - 1)) --stop;
  layer.first += begin;
  layer.log_scale += std::log(best);
  for (std::vector<double>* values : {&layer.ends, &layer.off}) {
    *values = std::vector<double>(values->begin() + static_cast<int64_t>(begin),
                                  values->begin() + static_cast<int64_t>(stop));
    for (double& value : *values) value /= best;
  }
}

void Lattice::backward(size_t read) {
  if (base::stop_requested())
    throw base::Interrupted("align", "stopped", "the same command goes on from here");
  Layer& layer = layers_[read];
  const size_t width = layer.ends.size(), left = phrases_.size() - read;
  std::vector<double> begin(width, 0), off(width, 0);
  double scale = left == 0 ? 0 : kNever;
  for (size_t k = 1; k <= std::min(left, kMostPhrases); ++k)
    scale = std::max(scale, layers_[read + k].log_scale_after);
  for (size_t k = 1; k <= std::min(left, kMostPhrases); ++k) {
    const Layer& to = layers_[read + k];
    const Breath group = breath(read, read + k);
    const double factor = std::exp(to.log_scale_after - scale) * group.together;
    const BreathTable times(group, reader_.spread);
    const std::vector<double>& gains = gains_[ending(read + k - 1)];
    Pauses pauses{layer.first, layer.first};
    for (size_t at = 0; at < width; ++at) {
      const size_t q = layer.first + at;
      reach(q, group, pauses);
      for (size_t p = std::max(pauses.begin, to.first); p < std::min(pauses.end, to.last()); ++p) {
        begin[at] +=
            factor * times.density(spoken_s_[p] - spoken_s_[q]) * gains[p] * end_after(read + k, p);
      }
    }
  }
  if (left == 0 && layer.last() == end() + 1) begin.back() = 1;
  double best = 0;
  for (size_t at = width; at-- > 0;) {
    off[at] = begin[at];
    if (at + 1 < width) off[at] += off[at + 1] * stays_off(read, layer.first + at);
    if (left > 0) {
      off[at] += kSkip * off_after(read + 1, layer.first + at) *
                 std::exp(layers_[read + 1].log_scale_after - scale);
    }
    best = std::max(best, off[at]);
  }
  layer.log_scale_after = scale + std::log(best);
  for (size_t at = 0; at < width; ++at) {
    layer.begin_after.push_back(static_cast<float>(begin[at] / best));
    layer.off_after.push_back(static_cast<float>(off[at] / best));
  }
}

double Lattice::begin_after(size_t read, size_t pause) const {
  const Layer& layer = layers_[read];
  return layer.has(pause) ? layer.begin_after[pause - layer.first] : 0;
}

double Lattice::off_after(size_t read, size_t pause) const {
  const Layer& layer = layers_[read];
  return layer.has(pause) ? layer.off_after[pause - layer.first] : 0;
}

double Lattice::end_after(size_t read, size_t pause) const {
  return begin_after(read, pause) + leaves(read) * off_after(read, pause);
}

// What values of both directions are to be multiplied by for probabilities.
double Lattice::share(double log_scale, double log_scale_after) const {
  return std::exp(log_scale + log_scale_after - log_evidence_);
}

// Calls take(last, to, breath, probability) for each breath that may begin at a node.
template <typename Take>
void Lattice::each_breath(size_t read, size_t pause, const Take& take) const {
  const Layer& from = layers_[read];
  for (size_t k = 1; k <= std::min(phrases_.size() - read, kMostPhrases); ++k) {
    const Layer& to = layers_[read + k];
    const Breath group = breath(read, read + k);
    const double factor =
        from.begins(pause) * group.together * share(from.log_scale, to.log_scale_after);
    Pauses pauses{pause, pause};
    reach(pause, group, pauses);
    for (size_t p = std::max(pauses.begin, to.first); p < std::min(pauses.end, to.last()); ++p) {
      const double density = group.density(spoken_s_[p] - spoken_s_[pause], reader_.spread);
      take(read + k, p, group,
           factor * density * gains_[ending(read + k - 1)][p] * end_after(read + k, p));
    }
  }
}

Reader Lattice::fitted_reader() const {
  constexpr double kFaint = 1e-4;
  ReaderFit fit(reader_);
  std::vector<double> outer(spoken_s_.size(), 0);
  for (size_t read = 0; read < phrases_.size(); ++read) {
    const Layer& layer = layers_[read];
    const double factor = share(layer.log_scale, layer.log_scale_after);
    for (size_t q = layer.first; q < layer.last(); ++q) {
      if (!(layer.begins(q) * begin_after(read, q) * factor > kFaint)) continue;
      each_breath(read, q, [&](size_t last, size_t p, const Breath& group, double probability) {
        if (probability < kFaint) return;
        fit.add_breath(probability, group, spoken_s_[p] - spoken_s_[q]);
        for (size_t i = read; i + 1 < last; ++i) fit.add_no_pause(probability, phrases_[i].ending);
        if (p == end()) return;
        fit.add_pause(probability, phrases_[last - 1].ending, pause_s_[p]);
        outer[p] += probability;
      });
    }
  }
  for (size_t p = 1; p < end(); ++p) fit.add_inner_pause(std::max(0.0, 1 - outer[p]), pause_s_[p]);
  return fit.fitted(spoken_s_.back());
}

std::vector<Group> Lattice::likeliest() const {
  std::vector<Group> groups;
  if (log_evidence_ == kNever) return groups;
  size_t read = 0, pause = 0;
  bool off = false;
  while (read < phrases_.size()) {
    const double begin = begin_after(read, pause);
    if (off) {
      const double wait = pause < end() ? off_after(read, pause + 1) * stays_off(read, pause) : 0;
      const double skip =
          kSkip * off_after(read + 1, pause) *
          std::exp(layers_[read + 1].log_scale_after - layers_[read].log_scale_after);
      off = begin < std::max(wait, skip);
      if (off) ++(wait >= skip ? pause : read);
    } else if (leaves(read) * off_after(read, pause) > begin) {
      off = true;
    } else {
      groups.push_back(likeliest_group(read, pause));
      read = groups.back().last;
      pause = groups.back().to;
    }
  }
  return groups;
}

Group Lattice::likeliest_group(size_t read, size_t pause) const {
  Group best{read, read, pause, pause, 0, 0};
  double most = 0;
  each_breath(read, pause, [&](size_t last, size_t to, const Breath&, double probability) {
    if (probability <= most) return;
    most = probability;
    best.last = last;
    best.to = to;
  });
  const Layer& from = layers_[read];
  const Layer& to = layers_[best.last];
  best.begins =
      from.begins(pause) * begin_after(read, pause) * share(from.log_scale, from.log_scale_after);
  best.ends = to.ends[best.to - to.first] * end_after(best.last, best.to) *
              share(to.log_scale, to.log_scale_after);
  return best;
}

}  // namespace koi::align
