// Sentences spoken by voices: checkpoints, and what they are held against.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "koi/eval/kept.h"
#include "koi/eval/sentence.h"

namespace koi::eval {

struct Spoken {
  std::vector<float> samples;  // one channel; none: the voice ended at once
  int sample_rate_hz = 0;
  bool reached_limit = false;  // it was cut off there, not at its end
};

struct Voice {
  enum class Kind {
    checkpoint,
    originals,  // the recordings themselves
    codec,      // the recordings as codes and back
  };
  using Speak = std::function<Spoken(const Sentence&)>;

  std::string name;  // of its row and of its folder
  Kind kind = Kind::checkpoint;
  std::string identity;  // any bytes: all that its sound depends on but the sentence
  // Called once where a sentence is to be spoken that was not kept. What it gives throws Error
  // where a sentence cannot be spoken.
  std::function<Speak()> load;

  bool takes_recordings() const { return kind != Kind::checkpoint; }
};

// The voice of the recordings themselves: their samples as one channel.
Voice originals();

// One sentence by one voice.
struct Take {
  size_t sentence = 0;    // its place
  std::string failure{};  // why there is no sound; empty: there is
  base::fs::path wav{};   // 16 bits, one channel; empty: no sound
  std::string hash{};     // SHA-256 of the file
  bool reached_limit = false;
  double duration_s = 0;
  double silent_s = 0;   // over 40 dB quieter than the loudest 10 ms
  double clipped_s = 0;  // of samples at full scale, see audio::SoundFigures
};

// Speaks each sentence (a voice of recordings: each that has one), in their order, into
// folder/NAME.wav. One that was spoken before from the same identity, text and recording is taken
// from `kept` as long as its file is what it was. An Error of speaking is the sentence's failure,
// and the work goes on. `on_take` is called after each. Throws what loading the voice throws,
// Error(io), and base::Interrupted between two sentences.
std::vector<Take> make_takes(const Voice& voice, const std::vector<Sentence>& sentences,
                             const base::fs::path& folder, Kept& kept,
                             const std::function<void(const Take&)>& on_take);

}  // namespace koi::eval
