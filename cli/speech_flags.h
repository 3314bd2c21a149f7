// What generate, say and eval share: the model, how it speaks, and what is shown meanwhile.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/device_flags.h"
#include "cli/lora_flags.h"
#include "cli/weights_flag.h"
#include "koi/base/blob_cache.h"
#include "koi/base/progress.h"
#include "koi/speech/long_text.h"
#include "koi/text/normalize.h"

namespace koi::cli {

struct SpeechFlags {
  std::string text;
  std::string checkpoint = "checkpoints/fish-speech-1.4";
  uint32_t seed = 42;
  LoraFlags lora;

  void add_to(CLI::App* command);
  // Without those of one text, one model and references: --text, --checkpoint-path, --lora,
  // --cache.
  void add_shared_to(CLI::App* command);

  // A text as it is to be spoken (--normalize). Throws Error(corrupt) for invalid UTF-8.
  std::string spoken(const std::string& written) const;
  // spoken() of the text itself; "-" reads it from standard input. Throws Error(usage) where
  // nothing is left to say or an option is out of its range: asked before anything is loaded.
  std::string checked_text() const;
  // How to load the model (applies --device and --threads), and what makes it ready to speak once
  // it is loaded: puts `adapters` on it and gives its weights the form asked for.
  lm::LoadModelOptions model_options() const;
  void prepare(speech::SpeechModel& model, const std::vector<lm::WeightedAdapter>& adapters) const;
  // The options; reporting frames and empty segments to `progress`, which must outlive them.
  speech::LongOptions options() const;
  speech::LongOptions options(base::Progress& progress) const;
  // Where references are kept between runs (--cache), and with what the model made of them;
  // nothing: nowhere.
  std::optional<base::BlobCache> cache() const;
  std::optional<speech::KeptBeginnings> kept(const speech::SpeechModel& model) const;
  // The draws of each of the segments that are spoken together, see speech::Speaker.
  std::vector<speech::Noise> noises() const;
  // All of the above that the sound of a text depends on, for comparison.
  std::string identity() const;

 private:
  DeviceFlags device_;
  WeightsFlag weights_;
  speech::LongOptions options_;
  text::NumberReading numbers_ = text::NumberReading::none;
  std::string noise_ = "portable";
  uint32_t together_ = 1;
  bool unconstrained_ = false;
  bool special_tokens_ = false;
  bool half_ = false;
  bool compile_ = false;
  bool cache_ = true;
  bool graphs_ = true;
};

}  // namespace koi::cli
