// Text to speech: a language model and the codec whose codes it speaks.
#pragma once

#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "koi/codec/firefly.h"
#include "koi/speech/long_text.h"

namespace koi::speech {

struct EngineFiles {
  base::fs::path checkpoint;                    // folder
  base::fs::path codec;                         // empty: checkpoint::find_codec of it
  std::string codec_config = "firefly_gan_vq";  // see codec::config_for
};

struct Speech {
  std::vector<float> samples;  // one channel, within (-1, 1)
  int sample_rate_hz = 0;
  int64_t frames = 0;  // columns of codes
  std::vector<Segment> segments;

  double duration_s() const {
    return static_cast<double>(samples.size()) / static_cast<double>(sample_rate_hz);
  }
};

struct SayOptions {
  LongOptions text;
  std::vector<Noise> noises;  // one; or as many as segments are to be spoken in step, see Speaker
  // Called with the samples that are new, in order, as soon as they are known: those of the first
  // columns first, then of some columns at a time; in a thread of its own. May throw to give up.
  std::function<void(std::span<const float> samples)> on_audio = {};
};

class Engine {
 public:
  // `model.device` is the codec's device too; the codec computes in float32. Throws what loading
  // the parts throws, and as the constructor. On a CPU the codec's weights are packed for decoding
  // in a thread beside, so that the first sound need not wait for it.
  static Engine load(const EngineFiles& files, const lm::LoadModelOptions& model);
  // Of parts that are there already; `where` names the codec in the Error(config) that is thrown
  // where it does not know all codes that the model may speak.
  Engine(SpeechModel model, codec::Firefly codec, const std::string& where);

  const SpeechModel& model() const { return model_; }
  SpeechModel& model() { return model_; }  // to put an adapter on
  const codec::Firefly& codec() const { return codec_; }

  // The voice of a recording in which `text` is said. Throws what audio::load_mono throws, and
  // Error(unsupported) where the recording is too short for one column of codes.
  Reference encode_reference(const base::fs::path& recording, std::string text) const;
  // The same out of `kept`, or kept there, where the codec was loaded from a file.
  Reference encode_reference(const base::fs::path& recording, std::string text,
                             const base::BlobCache& kept) const;

  int sample_rate_hz() const;

  // generate_long, decoded. No samples where the model ended every segment at once. Throws what
  // that throws.
  Speech say(std::string_view text, const std::vector<Reference>& references,
             const SayOptions& options) const;

 private:
  SpeechModel model_;
  codec::Firefly codec_;
  std::string codec_file_;  // names it and its state; empty where it is not known
  // Whoever comes first to need what this makes waits for it there, and learns of its errors.
  std::future<void> packing_;
};

}  // namespace koi::speech
