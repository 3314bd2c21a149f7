#include "cli/sample_speaker.h"

#include "koi/audio/audio_file.h"
#include "koi/checkpoint/codec_file.h"
#include "koi/codec/firefly.h"
#include "koi/speech/engine.h"

namespace koi::cli {
namespace {

constexpr uint32_t kSeed = 42;

speech::Engine make_engine(const train::Settings& settings, const lm::DualAr& model) {
  const base::fs::path path = checkpoint::find_codec(settings.base_model);
  codec::Firefly codec =
      codec::load_firefly(path, codec::config_for(path, speech::EngineFiles{}.codec_config),
                          {.dtype = at::kFloat, .device = model.device()});
  // A copy of the model is another name for the same weights, which training goes on to change.
  return {speech::make_speech_model(model, text::Tokenizer::load(settings.tokenizer),
                                    settings.tokenizer.string()),
          std::move(codec), path.string()};
}

}  // namespace

void SampleSpeaker::speak(const train::SampleRequest& request) {
  if (!engine_)
    engine_ = std::make_shared<const speech::Engine>(make_engine(settings_, request.model));
  speech::LongOptions options;
  options.generate.max_new_tokens = request.max_frames;
  const speech::Speech speech =
      engine_->say(request.text, {}, {options, {speech::portable_noise(kSeed)}});
  if (speech.frames > 0) audio::write_wav_pcm16(request.wav, speech.samples, speech.sample_rate_hz);
}

}  // namespace koi::cli
