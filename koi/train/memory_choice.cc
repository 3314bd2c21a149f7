#include "koi/train/memory_choice.h"

#include <cstdio>

namespace koi::train {
namespace {

std::string gib(int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", static_cast<double>(bytes) / (1 << 30));
  return text;
}

}  // namespace

bool choose_recompute(Recompute wanted, const MemoryEstimate& estimate, int64_t free_bytes) {
  if (wanted != Recompute::automatic) return wanted == Recompute::always;
  return estimate.kept.total() > free_bytes;
}

std::vector<std::string> describe_memory(Recompute wanted, const MemoryEstimate& estimate,
                                         int64_t free_bytes) {
  const bool recompute = choose_recompute(wanted, estimate, free_bytes);
  const StepMemory& needed = recompute ? estimate.recomputed : estimate.kept;
  std::string line = "memory: a step needs about " + gib(needed.total()) + " GiB (weights " +
                     gib(needed.weights) + ", optimizer " + gib(needed.optimizer) +
                     ", activations and gradients " + gib(needed.step) + ", program " +
                     gib(needed.program) + "), " + gib(free_bytes) + " GiB are free";
  if (recompute && wanted == Recompute::automatic) {
    line += "; layers are computed again in the backward pass, without that it would need " +
            gib(estimate.kept.total()) + " GiB";
  }
  std::vector<std::string> lines{line};
  if (needed.total() > free_bytes) {
    std::string remedy =
        "warning: the step will hardly fit: lower data.batch_size (trainer.accumulate_grad_batches "
        "makes up for it) or max_length";
    if (!recompute) remedy += ", or set model.recompute=auto";
    lines.push_back(remedy);
  }
  return lines;
}

}  // namespace koi::train
