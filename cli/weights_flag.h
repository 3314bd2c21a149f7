// --weights of the commands that speak.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "koi/speech/speech_model.h"

namespace koi::cli {

// "int8": of both parts; "int8+int4": of the slow and of the fast one. Throws Error(usage).
lm::CpuFormats parse_formats(const std::string& text);

struct WeightsFlag {
  std::string text = "auto";

  void add_to(CLI::App* command);
  // How to load a model for `device` on which adapters will be put or not. Throws Error(usage) for
  // an unknown format, and for any but auto where a GPU is to speak.
  void choose(lm::LoadModelOptions& options, bool with_adapters) const;
  // Lets a model that was loaded so, with its adapters on, speak by the CPU's kernels; nothing on a
  // GPU.
  void apply(speech::SpeechModel& model) const;
};

}  // namespace koi::cli
