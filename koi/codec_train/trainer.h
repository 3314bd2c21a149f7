// The steps of a training, one stage after the other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "koi/audio/mel.h"
#include "koi/codec_train/code_store.h"
#include "koi/codec_train/model.h"
#include "koi/codec_train/recordings.h"
#include "koi/codec_train/settings.h"
#include "koi/train/optimizer.h"

namespace koi::codec_train {

// "mel" 0.4, "stft" 1.2: what was measured, in a fixed order.
using Values = std::vector<std::pair<std::string, double>>;

// Where a training stands. The next step belongs to `stage`, of which `stage_step` are done.
struct Position {
  int64_t step = 0;  // of all stages
  Stage stage = Stage::encoder;
  int64_t stage_step = 0;
  bool operator==(const Position&) const = default;
};

class Trainer {
 public:
  // Both must outlive it. `code_cache`: see CodeStore.
  Trainer(const Settings& settings, const Recordings& recordings, base::fs::path code_cache,
          Recordings::Prepared prepared = {});

  // All stages are done.
  bool is_complete() const;
  bool ends_stage() const;  // the step before was its last

  // One step. The first of the encoder's stage prepares the quantizer (not that of a codec that was
  // trained before) and the read-out for the recordings, the first of the others encodes them.
  // Values: "loss" and its parts, "grad_norm", "lr". Throws Error(config) where the loss or its
  // gradient is no finite number, before it gets into a weight.
  Values step();

  Position position() const { return position_; }
  const Settings& settings() const { return settings_; }
  const Recordings& recordings() const { return recordings_; }
  double mel_band_hz() const { return mel_band_hz_; }
  Model& model() { return model_; }
  const audio::LogMel& log_mel() const { return model_.codec.log_mel(); }
  int64_t mel_bins() const { return mel_bins_; }

  // Optimizers of the present stage, for checkpoints; the second is of the adversarial one.
  train::AdamW& codec_optimizer() { return *codec_optimizer_; }
  train::AdamW* discriminator_optimizer() { return discriminator_optimizer_.get(); }
  // Goes to another place, or from a stage's end on to the next one that has steps, with optimizers
  // that know nothing yet.
  void restart_at(const Position& position);

  // The mel spectrograms of segments, [B, M, F], with what lies around them, and their sound,
  // [B, 1, N].
  at::Tensor mels(const std::vector<Place>& places, int64_t columns) const;
  at::Tensor waves(const std::vector<Place>& places, int64_t columns) const;

 private:
  struct Batch {
    std::vector<Place> places;
    at::Tensor codes;  // [B, K, T]; of the generator's stages
  };
  Batch next_batch();
  std::optional<Stage> next_stage() const;  // that has steps
  // Float [B, samples] that begin `before` samples before each place.
  at::Tensor sound(const std::vector<Place>& places, int64_t before, int64_t samples) const;
  double rate() const;
  double fade() const;
  Values encoder_step(const Batch& batch);
  Values generator_step(const Batch& batch);
  Values adversarial_step(const Batch& batch);
  // Forward of the generator: the sound, and the spectral losses it is given.
  struct Spoken {
    at::Tensor sound, truth, mel, stft;  // [B, 1, N] twice, two scalars
  };
  Spoken speak(const Batch& batch) const;
  // Backward, clipping, update; the norm before clipping.
  double update(const at::Tensor& loss, train::AdamW& optimizer);
  void check_finite(const at::Tensor& value, const char* what) const;

  const Settings& settings_;
  const Recordings& recordings_;
  base::fs::path code_cache_;
  Recordings::Prepared prepared_;
  Model model_;
  double mel_band_hz_;
  int64_t mel_bins_;
  Position position_;
  std::optional<CodeStore> codes_;
  std::unique_ptr<train::AdamW> codec_optimizer_, discriminator_optimizer_;
};

}  // namespace koi::codec_train
