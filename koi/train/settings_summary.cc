#include "koi/train/settings_summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace koi::train {
namespace {

std::string describe(const std::optional<lm::LoraConfig>& lora) {
  if (!lora) return "none: all weights are trained";
  return fmt::format("r {}, lora_alpha {:g}, lora_dropout {:g}, targets {}{}", lora->r, lora->alpha,
                     lora->dropout, fmt::join(lora->targets, " "),
                     lora->use_rslora ? ", use_rslora" : "");
}

std::string describe(const Schedule& schedule) {
  return fmt::format("{}, warm-up {:g} steps",
                     schedule.kind == ScheduleKind::cosine ? "cosine" : "constant",
                     schedule.warmup_steps);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> main_settings(const Settings& settings) {
  return {{"pretrained_ckpt_path", settings.base_model.string()},
          {"model.model.lora_config", describe(settings.lora)},
          {"model.base_weights", settings.base_weights == BaseWeights::int8 ? "int8" : "full"},
          {"max_length", std::to_string(settings.max_length)},
          {"data.sampler", settings.reference_sampling ? "reference" : "koi"},
          {"data.batch_size", std::to_string(settings.batch_size)},
          {"trainer.accumulate_grad_batches", std::to_string(settings.accumulate_batches)},
          {"trainer.max_steps", std::to_string(settings.max_steps)},
          {"trainer.val_check_interval", std::to_string(settings.val_interval)},
          {"trainer.early_stopping.patience",
           settings.patience > 0 ? std::to_string(settings.patience) : "none"},
          {"trainer.gradient_clip_val", fmt::format("{:g}", settings.clip_norm)},
          {"model.optimizer.lr", fmt::format("{:g}", settings.optimizer.lr)},
          {"model.optimizer.weight_decay", fmt::format("{:g}", settings.optimizer.weight_decay)},
          {"model.lr_scheduler", describe(settings.schedule)},
          {"seed", std::to_string(settings.seed)}};
}

}  // namespace koi::train
