// What a training of a codec is told, out of the composed configuration: one place for each key.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "koi/base/files.h"
#include "koi/checkpoint/dtype.h"
#include "koi/codec/config.h"
#include "koi/codec_train/discriminators.h"
#include "koi/codec_train/spectral_loss.h"
#include "koi/config/node.h"

namespace koi::codec_train {

// The parts of a training, one after the other.
enum class Stage {
  encoder,      // encoder and quantizer, heard through a mel read-out
  generator,    // what decodes, by spectral losses; the codes stay as they are
  adversarial,  // the same against discriminators
};
inline constexpr std::array kStages = {Stage::encoder, Stage::generator, Stage::adversarial};
const char* stage_name(Stage stage);

struct StageSettings {
  int64_t steps = 0;  // 0: the stage is left out
  double lr = 1e-3;
  int64_t batch_size = 16;  // segments
  int64_t columns = 8;      // code columns of a segment
};

struct DataSettings {
  base::fs::path folder;                  // recordings, whatever lies below it
  std::optional<base::fs::path> exclude;  // names of those that are never used, one a line
  // Validation: this share of the recordings, by a hash of their names.
  double held_out_share = 0.03;
  int64_t held_out_least = 1, held_out_most = 16;
};

struct Settings {
  std::vector<std::string> overrides;  // what the command line changed, only to be told
  base::fs::path run_folder;           // metrics.jsonl, report.html, codec/, samples/, data/
  base::fs::path checkpoint_folder;    // step_%09d.ckpt

  codec::FireflyConfig codec;
  std::optional<base::fs::path> begin_with;          // a codec's checkpoint; absent: random weights
  checkpoint::DType dtype = checkpoint::DType::f32;  // of the codec that is written: f32 or bf16
  DataSettings data;
  uint64_t seed = 42;

  std::array<StageSettings, 3> stages;  // in the order of kStages
  double beta1 = 0.8, beta2 = 0.99, weight_decay = 0;
  double clip_norm = 10;         // 0: none
  int64_t warmup_steps = 100;    // of each stage
  double final_lr_ratio = 0.05;  // of each stage's cosine

  // FSQ's inputs in the encoder's stage.
  double input_deviation = 0.25;
  double deviation_weight = 0.5;
  double fade_share = 1.0 / 3;  // of the stage, in which rounding is faded in

  double mel_band_hz = 0;  // 0: as wide as the recordings
  double mel_weight = 1, stft_weight = 1;
  std::vector<StftSize> stft_sizes;
  double adversarial_weight = 0.02, feature_weight = 0.2;
  DiscriminatorConfig discriminators;

  double max_minutes = 0;  // of one call; 0: until all stages are done
  int64_t val_interval = 500, save_interval = 500, save_top_k = 2;

  const StageSettings& of(Stage stage) const { return stages[static_cast<size_t>(stage)]; }
  int64_t total_steps() const;
  int64_t longest_segment() const;  // columns, of the stages that have steps
  // Columns that hold each window of the spectral losses: shorter recordings are filled up.
  int64_t window_columns() const;
};

struct ReadSettings {
  Settings settings;
  std::set<std::string> asked;  // the keys that were read, see config::unread_overrides
};

// Throws Error(config) naming the key for missing keys, wrong types and impossible values. `config`
// is resolved.
ReadSettings read_settings(const config::Node& config);

}  // namespace koi::codec_train
