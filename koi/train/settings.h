// What a run is told, out of the composed configuration: one place for each key.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "koi/base/files.h"
#include "koi/config/node.h"
#include "koi/dataset/held_out.h"
#include "koi/lm/lora.h"
#include "koi/train/losses.h"
#include "koi/train/optimizer.h"
#include "koi/train/rank_settings.h"
#include "koi/train/schedule.h"

namespace koi::train {

// mixed: weights, gradients and optimizer in float32, matrix products in bfloat16.
enum class Precision { float32, bfloat16, mixed };
enum class Accelerator { automatic, cpu };
enum class Recompute { automatic, always, never };
enum class BaseWeights { full, int8 };  // of the frozen base, see lm/int8_base.h

struct DatasetSettings {
  std::vector<std::string> proto_files;
  int64_t max_length = 0;  // tokens a sample aims at
  bool causal = true;
  std::variant<bool, double> use_speaker = false;
  double interactive_prob = 0.7;
  double skip_text_prob = 0;
  int64_t max_sentences = 0;  // a sample; 0: as many as fit
  double text_dropout = 0;    // share of samples without their texts
  bool learn_texts = true;    // false: only what is spoken after them
  bool alignment = false;     // is learned from
  uint64_t seed = 42;         // order of shards and speakers
};

// data.train_dataset and data.val_dataset: a dataset, or several under `datasets`, of which each
// sample takes one by `probabilities`.
struct MixtureSettings {
  std::vector<DatasetSettings> datasets;  // 1 or more
  std::vector<double> probabilities;      // one a dataset, or none for a single one
  uint64_t seed = 42;                     // of the choice among several
};

struct Settings {
  std::vector<std::string> overrides;  // what the command line changed, only to be told

  // Folders.
  base::fs::path run_folder;                         // metrics.jsonl
  base::fs::path checkpoint_folder;                  // step_%09d.ckpt
  std::optional<base::fs::path> tensorboard_folder;  // of the event files; none are written without
  base::fs::path base_model;                         // a checkpoint in the published layout
  base::fs::path tokenizer;
  std::optional<base::fs::path> resume_from;  // +ckpt_path: instead of the newest of the run
  bool resume_weights_only = false;           // +resume_weights_only: leave optimizer and step

  // Model.
  bool load_weights = true;            // false: from scratch
  int64_t max_length = 0;              // of the model and of batches, tokens
  std::optional<lm::LoraConfig> lora;  // absent: all weights are trained
  Recompute recompute = Recompute::automatic;
  BaseWeights base_weights = BaseWeights::full;  // int8: with lora only
  double alignment_weight = 0;                   // model.alignment_loss, see compute_losses
  double code_noise = 0;                         // model.code_noise, see exchange_codes
  double fast_frames = 1;                        // model.fast_frames, see lm::ForwardOptions
  Precision precision = Precision::bfloat16;
  Accelerator accelerator = Accelerator::automatic;
  RankSettings ranks;

  // Data.
  MixtureSettings train_data, val_data;
  int64_t batch_size = 8;
  bool reference_sampling = false;
  dataset::HeldOutOptions held_out;  // where not reference_sampling
  int64_t num_workers = 4;           // of reference sampling
  uint64_t seed = 42;                // +seed

  // Steps.
  AdamWOptions optimizer;
  Schedule schedule;
  int64_t max_steps = 1000;
  int64_t accumulate_batches = 1;
  LossReduction loss_reduction = LossReduction::tokens;  // trainer.loss_reduction
  double clip_norm = 1.0;                                // 0: none
  double grad_norm_type = 2;
  int64_t val_interval = 100;  // steps
  int64_t val_batches = 10;    // 0: no validation
  int64_t patience = 0;        // validations without a better one that end the run; 0: none do
  bool val_before_train = false;
  // trainer.samples: speech at each validation, of `text` (empty: a held-out sentence).
  struct Samples {
    bool speak = true;
    std::string text;
  } samples;
  int64_t save_interval = 100;  // steps
  int64_t save_top_k = 5;       // newest checkpoints that are kept (and the best); -1: all
};

struct ReadSettings {
  Settings settings;
  std::set<std::string> asked;  // the keys that were read, see config::unread_overrides
};

// Throws Error(config) naming the key for missing keys, wrong types and impossible or unsupported
// values. `config` is resolved.
// Differs: val_check_interval counts optimizer steps (Lightning counts batches).
ReadSettings read_settings(const config::Node& config);

}  // namespace koi::train
