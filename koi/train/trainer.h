// One optimizer step, and a look at the losses without one.
#pragma once

#include <vector>

#include "koi/train/batch.h"
#include "koi/train/losses.h"
#include "koi/train/optimizer.h"
#include "koi/train/schedule.h"

namespace koi::train {

struct LossValues {
  double loss = 0, base_loss = 0, semantic_loss = 0, top_5_accuracy = 0, alignment_loss = 0;

  LossValues& operator+=(const LossValues& other);
  LossValues divided_by(double count) const;
};

// Losses as they are computed: float [5] in the order of LossValues, on the model's device.
using LossTensor = at::Tensor;
// The sum of one or more, which waits for the device, once.
LossValues sum_of(const std::vector<LossTensor>& losses);

struct TrainerOptions {
  int64_t accumulate_batches = 1;  // that make one step
  double clip_norm = 1.0;          // 0: no clipping
  double grad_norm_type = 2;       // of the norm that is reported
  bool recompute = false;          // see lm::ForwardOptions
  bool mixed_precision = false;    // matrix products in bfloat16, see tensor::AutocastGuard
  double alignment_weight = 0;     // see compute_losses
  double code_noise = 0;           // in training: the share of exchange_codes
  double fast_frames = 1;          // in training, see lm::ForwardOptions; others in each step
};

class Trainer {
 public:
  // `model` must outlive the trainer; what it trains is what requires gradients
  // (choose_trained). `generator` draws the dropout masks.
  Trainer(lm::DualAr& model, const AdamWOptions& optimizer, const Schedule& schedule,
          const TrainerOptions& options, at::Generator generator);

  struct BatchResult {
    LossValues losses;
    double grad_norm = 0;  // of the sum of gradients so far, before clipping
  };
  // Forward and backward; the gradients are added up. The losses, and their gradients, are this
  // batch's share of the step, whose labels are counted by `step_labels`. A GPU is not waited for.
  LossTensor accumulate(const Batch& batch, const LabelCounts& step_labels);
  // As the reference does it: the losses are means over the batch's own labels, the gradient is
  // that of their mean over accumulate_batches.
  LossTensor accumulate(const Batch& batch);
  // Throws Error(config) where a loss of the present step is no finite number.
  void check_finite(const LossValues& losses) const;

  // Likewise, and waits for what came out. Throws as check_finite.
  BatchResult add_batch(const Batch& batch, const LabelCounts& step_labels);
  BatchResult add_batch(const Batch& batch);

  // Clips, updates with the rate of the present step, clears the gradients, counts the step. The
  // rate that was used.
  double update();

  // Without dropout and gradients.
  LossValues evaluate(const Batch& batch, const LabelCounts& divisors) const;
  // Mean of the batches' mean losses, likewise.
  LossValues evaluate(const std::vector<Batch>& batches) const;

  int64_t step() const { return step_; }  // updates done
  double rate() const;                    // of the next update
  void set_step(int64_t step) { step_ = step; }
  const std::vector<Parameter>& parameters() const { return parameters_; }  // in module order
  AdamW& optimizer() { return optimizer_; }
  const AdamW& optimizer() const { return optimizer_; }
  const TrainerOptions& options() const { return options_; }
  at::Generator& generator() { return generator_; }
  const at::Generator& generator() const { return generator_; }

 private:
  // The gradient is that of the loss divided by `batches`.
  LossTensor add(const Batch& batch, const LabelCounts& divisors, int64_t batches);
  BatchResult read(const LossTensor& losses) const;
  Losses forward(const Batch& batch, const LabelCounts& divisors,
                 const lm::ForwardOptions& options) const;

  lm::DualAr& model_;
  std::vector<Parameter> parameters_;
  AdamW optimizer_;
  Schedule schedule_;
  TrainerOptions options_;
  at::Generator generator_;
  int64_t step_ = 0;
};

}  // namespace koi::train
