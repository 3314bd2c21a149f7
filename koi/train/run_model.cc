#include "koi/train/run_model.h"

#include <c10/core/CachingDeviceAllocator.h>
#ifdef __aarch64__
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include <algorithm>

#include "koi/base/launch.h"
#include "koi/base/system_memory.h"
#include "koi/lm/adapters.h"
#include "koi/lm/checkpoint.h"
#include "koi/lm/int8_base.h"
#include "koi/train/memory_choice.h"
#include "koi/train/parameters.h"

namespace koi::train {
namespace {

using Note = std::function<void(const std::string&)>;

// What this process could hold in all, its model included: an equal share of what is left to the
// processes of a run on one machine.
int64_t free_memory_bytes(at::Device device, int64_t weights) {
  if (device.is_cpu()) {
    return base::available_memory_bytes() / std::max(1, base::read_launch().local_size) +
           base::held_memory_bytes();
  }
  const auto [left, all] = c10::getDeviceAllocator(device.type())->getMemoryInfo(device.index());
  return static_cast<int64_t>(left) + weights;
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

at::ScalarType product_dtype(Precision precision) {
  return precision == Precision::float32 ? at::kFloat : at::kBFloat16;
}

CpuBfloat16 cpu_bfloat16() {
#ifdef __aarch64__
  const bool native = (::getauxval(AT_HWCAP2) & HWCAP2_BF16) != 0;
#else
  const bool native = __builtin_cpu_supports("avx512bf16") != 0;  // where AMX is, this is too
#endif
  return native ? CpuBfloat16::native : CpuBfloat16::emulated;
}

std::string describe_precision(const Settings& settings, at::Device device, CpuBfloat16 on_cpu) {
  const Precision precision = effective_precision(settings, device);
  std::string line = "training on " + device.str() + " in " + name_of(precision);
  if (precision != settings.precision) {
    line += std::string(" (trainer.precision is ") + name_of(settings.precision) +
            ", which is slow without a GPU; trainer.accelerator=cpu takes it as it is)";
  } else if (device.is_cpu() && precision != Precision::float32 &&
             on_cpu == CpuBfloat16::emulated) {
    line +=
        "; this processor has no bf16 arithmetic: trainer.precision=32-true is many times faster";
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
  if (settings.base_weights == BaseWeights::int8) lm::quantize_base(model);
  return model;
}

TrainerOptions trainer_options(const Settings& settings, const lm::DualAr& model,
                               const RunData& data, const Note& note) {
  TrainerOptions options{
      .accumulate_batches = settings.accumulate_batches,
      .clip_norm = settings.clip_norm,
      .grad_norm_type = settings.grad_norm_type,
      .mixed_precision = effective_precision(settings, model.device()) == Precision::mixed,
      .alignment_weight = settings.alignment_weight,
      .code_noise = settings.code_noise,
      .fast_frames = settings.fast_frames};
  const MemoryEstimate estimate = estimate_memory(model,
                                                  {.rows = data.row_sizes(),
                                                   .rows_per_batch = settings.batch_size,
                                                   .packed = !settings.reference_sampling},
                                                  options);
  const int64_t free_bytes = free_memory_bytes(model.device(), estimate.kept.weights);
  options.recompute = choose_recompute(settings.recompute, estimate, free_bytes);
  if (!note) return options;
  for (const std::string& line : describe_memory(settings.recompute, estimate, free_bytes))
    note(line);
  return options;
}

}  // namespace koi::train
