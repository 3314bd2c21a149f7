#include "koi/train/run_model.h"

#include "koi/lm/adapters.h"
#include "koi/lm/checkpoint.h"
#include "koi/train/memory.h"
#include "koi/train/parameters.h"

namespace koi::train {
namespace {

using Note = std::function<void(const std::string&)>;

// Whether layers are recomputed; says so where the step will hardly fit even then.
bool choose_recompute(const Settings& settings, const lm::DualAr& model, const Note& note) {
  if (settings.recompute != Recompute::automatic) return settings.recompute == Recompute::always;
  if (!model.device().is_cpu()) return model.config().use_gradient_checkpointing;
  const StepShape shape{.batch = settings.batch_size,
                        .tokens = settings.max_length,
                        .bytes_per_value = static_cast<int64_t>(at::elementSize(model.dtype()))};
  const int64_t available = available_memory_bytes();
  const int64_t needed = recomputed_bytes(model.config(), shape);
  if (needed > available && note) {
    note("a full step needs about " + std::to_string(needed >> 30) + " GiB, " +
         std::to_string(available >> 30) +
         " GiB are free: lower data.batch_size (trainer.accumulate_grad_batches makes up for it) "
         "or max_length");
  }
  return static_cast<double>(activation_bytes(model.config(), shape)) >
         0.6 * static_cast<double>(available);
}

const char* name_of(Precision precision) {
  switch (precision) {
    case Precision::float32:
      return "32-true";
    case Precision::bfloat16:
      return "bf16-true";
    case Precision::mixed:
      return "bf16-mixed";
  }
  return "";
}

}  // namespace

Precision effective_precision(const Settings& settings, at::Device device) {
  const bool as_it_is = !device.is_cpu() || settings.accelerator == Accelerator::cpu;
  return as_it_is ? settings.precision : Precision::float32;
}

std::string describe_precision(const Settings& settings, at::Device device) {
  const Precision precision = effective_precision(settings, device);
  std::string line = "training on " + device.str() + " in " + name_of(precision);
  if (precision != settings.precision) {
    line += std::string(" (trainer.precision is ") + name_of(settings.precision) +
            ", which is slow without a GPU; trainer.accelerator=cpu takes it as it is)";
  }
  return line;
}

lm::DualAr load_run_model(const Settings& settings, at::Device device) {
  lm::LoadModelOptions options;
  options.dtype =
      effective_precision(settings, device) == Precision::bfloat16 ? at::kBFloat16 : at::kFloat;
  options.device = device;
  options.max_seq_len = settings.max_length;
  options.load_weights = settings.load_weights;
  options.seed = settings.seed;
  options.writable = !settings.lora;
  lm::DualAr model = lm::load_model(settings.base_model, options);
  if (settings.lora) lm::add_lora(model, *settings.lora, stream_seed(settings, Stream::adapters));
  choose_trained(model, settings.lora ? TrainedPart::adapters : TrainedPart::everything);
  return model;
}

TrainerOptions trainer_options(const Settings& settings, const lm::DualAr& model,
                               const RunData& /*data*/, const Note& note) {
  return {.accumulate_batches = settings.accumulate_batches,
          .clip_norm = settings.clip_norm,
          .grad_norm_type = settings.grad_norm_type,
          .recompute = choose_recompute(settings, model, note),
          .mixed_precision = effective_precision(settings, model.device()) == Precision::mixed};
}

}  // namespace koi::train
