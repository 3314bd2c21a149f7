// All that is trained, and the ways through it that training takes.
// Axes: B batch, M mel bins, F mel frames, T code columns, K codebooks, D width, N samples.
#pragma once

#include "koi/codec/firefly.h"
#include "koi/codec_train/discriminators.h"
#include "koi/codec_train/settings.h"

namespace koi::codec_train {

// Whether a weight of a codec, by its name in Firefly::visit, is of the part that makes sound out
// of codes: the other one makes codes out of sound.
bool decodes(std::string_view name);

class Model {
 public:
  // Random weights by the settings' seed; the codec's are those of settings.begin_with, if any.
  // Throws as codec::load_firefly, Error(config) where the file beside them tells of another codec.
  explicit Model(const Settings& settings);

  codec::Firefly codec;
  Discriminators discriminators;

  // Every parameter: the codec's under "codec.", the read-out's under "readout.", the
  // discriminators' under "discriminators.".
  void visit(const tensor::ParameterVisitor& visitor);

  // What a stage trains, by name.
  enum class Part { nothing, codec, discriminators };
  static Part trained(Stage stage, const std::string& name);

  struct Heard {
    at::Tensor mel;        // what the read-out makes of the codes, [B, M, F]
    at::Tensor projected;  // what FSQ was given, [B, T, G n]
  };
  // mel [B, M, F], F a whole number of columns; see Quantizer::quantise_softly for `fade`.
  Heard hear(const at::Tensor& mel, double fade) const;

  // int64 codes [B, K, T] -> audio [B, 1, N] with gradients.
  at::Tensor speak(const at::Tensor& codes) const;

  // Before the first step: makes FSQ's inputs for these mel spectrograms of mean 0 and `deviation`.
  void spread_inputs(const at::Tensor& mel, double deviation);
  // Lets the read-out begin with their mean.
  void center_readout(const at::Tensor& mel);

 private:
  at::Tensor readout_weight_, readout_bias_;  // [M, D, 1], [M]
};

}  // namespace koi::codec_train
