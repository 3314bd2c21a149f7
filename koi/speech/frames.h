// Frame after frame, for sequences that grow in step: what is drawn and put behind what they hold.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "koi/speech/frame_sampler.h"
#include "koi/speech/steps.h"

namespace koi::speech {

class Frames {
 public:
  virtual ~Frames() = default;

  virtual Steps& steps() = 0;

  // Frames are to be made behind the columns that the sequences 0 .. count - 1 hold. `options` have
  // to stay until end(), and with them what the sequences hold. Where there are twins, codes are
  // guided by options.guidance.
  virtual void begin(size_t count, const GenerateOptions& options) = 0;
  // The next frame of each of `which`, [which, 1 + K], those that go on: the frames before are put
  // behind what they hold. Throws Error(corrupt) for logits that are no numbers.
  virtual std::vector<int32_t> next(std::span<const size_t> which) = 0;
  // Nothing is under way any more. Of each sequence's noise so much is used as its frames took.
  // Throws nothing.
  virtual void end() = 0;
};

// Whether each sequence i has a twin, i + the number of noises in steps(), that says the same
// without having read the text. Behind both the same frames are put.
enum class Twins { none, without_text };
inline Twins twins_for(const GenerateOptions& options) {
  return options.guided() ? Twins::without_text : Twins::none;
}

// As many sequences as there are noises. `speech` has to stay. Frames of a model that lies on a GPU
// are drawn there (DeviceFrames) where there are no twins, others by this program.
std::unique_ptr<Frames> make_frames(const SpeechModel& speech, std::vector<Noise> noises,
                                    Twins twins = Twins::none);

}  // namespace koi::speech
