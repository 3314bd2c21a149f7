// All ways to read a transcript into a recording, each with its probability. Internal to koi/align.
//
// A node is (phrases that were read, pause); pause p lies before the stretch of speech p, the last
// one behind all. From node to node leads a breath: up to three phrases without a pause between
// them take the speech up to another pause. The script may be left at a node: phrases go by without
// speech, and speech without phrases, until a breath begins again; this is improbable but at both
// ends of the recording.
#pragma once

#include <array>
#include <vector>

#include "koi/align/reader.h"
#include "koi/align/speech_map.h"

namespace koi::align {

// Phrases first .. last-1, read from the end of pause `from` to the begin of pause `to`.
struct Group {
  size_t first, last;
  size_t from, to;
  double begins = 0, ends = 0;  // the probabilities that they begin and that they end there
};

class Lattice {
 public:
  // Of each phrase only those pauses are looked at that it may end at, less than a thousand
  // mostly; time and memory follow from that. Throws Error(unsupported) where they are so many
  // that more than 2 GiB were needed, base::Interrupted where stop_requested().
  Lattice(const std::vector<Phrase>& phrases, const SpeechMap& map, const Reader& reader);

  // Logarithm of how much better the pauses are explained by the reading of the phrases than by
  // speech about something else. Comparable only where the readers' inner pauses are the same.
  double log_evidence() const { return log_evidence_; }

  Reader fitted_reader() const;
  // From node to node what is most probable there. Empty where the text cannot be read into the
  // recording at all.
  std::vector<Group> likeliest() const;

 private:
  // The nodes with as many phrases read, a run of pauses. Values of one direction are to be
  // multiplied by exp() of its scale.
  struct Layer {
    size_t first = 0;
    double log_scale = 0, log_scale_after = 0;
    std::vector<double> ends{}, off{};  // up to here: a breath ended, the script is left
    std::vector<float> begin_after{},
        off_after{};  // from here on, where a breath begins, where not

    size_t last() const { return first + ends.size(); }
    bool has(size_t pause) const { return pause >= first && pause < last(); }
    double begins(size_t pause) const { return ends[pause - first] + off[pause - first]; }
  };
  struct Pauses {
    size_t begin, end;
  };

  size_t end() const { return spoken_s_.size() - 1; }  // the last pause
  size_t ending(size_t phrase) const { return static_cast<size_t>(phrases_[phrase].ending); }
  Breath breath(size_t first, size_t last) const;
  void reach(size_t pause, const Breath& breath, Pauses& pauses) const;
  double leaves(size_t read) const;
  double stays_off(size_t read, size_t stretch) const;

  void forward(size_t read);
  void add_breaths(const Layer& from, const Breath& breath, Layer& to) const;
  void follow_off(size_t read);
  static void trim(Layer& layer);
  void backward(size_t read);

  double begin_after(size_t read, size_t pause) const;
  double off_after(size_t read, size_t pause) const;
  double end_after(size_t read, size_t pause) const;
  double share(double log_scale, double log_scale_after) const;
  template <typename Take>
  void each_breath(size_t read, size_t pause, const Take& take) const;
  Group likeliest_group(size_t read, size_t pause) const;

  const std::vector<Phrase>& phrases_;
  const Reader reader_;
  std::vector<double> spoken_s_;  // before each pause
  std::vector<double> pause_s_;
  // What a pause behind a phrase is more probable by than within one.
  std::array<std::vector<double>, kEndings> gains_;
  std::vector<Layer> layers_;
  double log_evidence_ = 0;
};

}  // namespace koi::align
