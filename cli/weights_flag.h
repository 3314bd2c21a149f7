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
  // How to load a model that is to speak on options.device. Throws Error(usage) for an unknown
  // format, and for any but auto where a GPU is to speak.
  void choose(lm::LoadModelOptions& options) const;
  // Gives a model that was loaded so, with its adapters on, the weights of `folder` as the CPU's
  // kernels read them; nothing on a GPU. Throws as lm::load_cpu_weights.
  void apply(speech::SpeechModel& model, const base::fs::path& folder) const;
};

}  // namespace koi::cli
