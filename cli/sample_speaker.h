// How a training run speaks its samples: with the codec of its base checkpoint.
#pragma once

#include <memory>

#include "koi/train/run.h"

namespace koi::speech {
class Engine;
}

namespace koi::cli {

class SampleSpeaker {
 public:
  explicit SampleSpeaker(const train::Settings& settings) : settings_(settings) {}

  // For RunEvents::speak. Always the same draws, so that samples differ by the model alone. Nothing
  // is written where the model ends its turn at once. Throws what loading, speaking and writing
  // throw.
  void speak(const train::SampleRequest& request);

 private:
  const train::Settings& settings_;
  std::shared_ptr<const speech::Engine> engine_;  // made at the first sample
};

}  // namespace koi::cli
