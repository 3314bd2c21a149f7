// step_%09d.ckpt: what a run needs to go on, in the layout of Lightning's checkpoints, which
// torch.load(weights_only=True) reads: epoch, global_step, pytorch-lightning_version, state_dict
// (names behind "model.": the adapters, or everything in a full fine-tune), loops, callbacks,
// optimizer_states, lr_schedulers; and, ours, "koi": the exact place in the data and in the draws
// of dropout, and under "adapter" what lm::adapter_value says. Source:
// tests/goldens/lm/train/ckpt_layout_*.json.
#pragma once

#include <optional>

#include "koi/base/files.h"
#include "koi/lm/adapter_file.h"
#include "koi/train/run_position.h"
#include "koi/train/settings.h"
#include "koi/train/trainer.h"

namespace koi::train {

// What this run's adapter is, with the base's hash; none in a full fine-tune. Throws as
// lm::identify_base.
std::optional<lm::AdapterInfo> describe_adapter(const Settings& settings);

// Writes `path` atomically, in an existing folder. `save_interval` (steps between checkpoints) is
// only noted in the callback's entry.
void save_run_checkpoint(const base::fs::path& path, const Trainer& trainer,
                         const RunPosition& position, int64_t save_interval,
                         const std::optional<lm::AdapterInfo>& adapter = {});

enum class ResumePart { everything, weights_only };

// Puts the weights of what is trained, the optimizer's state, the step and the dropout generator
// back. Gives the place in the data where the checkpoint has one (a Lightning one has none). Throws
// Error(corrupt) naming the file and the key for missing, extra and wrong-shaped tensors and for an
// optimizer over other parameters, in which case part of the trainer may be changed; Error(config)
// where the file says that it is of another base or of other LoRA settings than `adapter`. Weights
// alone may also come from a folder in PEFT's layout.
std::optional<RunPosition> load_run_checkpoint(const base::fs::path& path, Trainer& trainer,
                                               ResumePart part,
                                               const std::optional<lm::AdapterInfo>& adapter = {});

}  // namespace koi::train
