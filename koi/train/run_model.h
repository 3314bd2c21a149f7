// How a run computes: in which precision, with which model, with or without recomputation.
#pragma once

#include <functional>
#include <string>

#include "koi/lm/model.h"
#include "koi/train/run_data.h"
#include "koi/train/settings.h"
#include "koi/train/trainer.h"

namespace koi::train {

// What the configuration's precision and accelerator become on this machine: without a GPU
// it becomes float32 unless trainer.accelerator=cpu asks for the CPU as it is.
Precision effective_precision(const Settings& settings, at::Device device);
at::ScalarType product_dtype(Precision precision);  // of its matrix products

// Whether this machine's processor computes in bfloat16 (AVX512-BF16, Arm's BF16), or only
// by way of float32, which takes many times as long.
enum class CpuBfloat16 { native, emulated };
CpuBfloat16 cpu_bfloat16();

// One line for the user: the device and the precision, why if it is not the one asked for, and what
// to take where it is slow.
std::string describe_precision(const Settings& settings, at::Device device,
                               CpuBfloat16 on_cpu = cpu_bfloat16());

// The base with its adapters, if any; what is trained requires gradients. Throws as lm::load_model
// and lm::add_lora.
lm::DualAr load_run_model(const Settings& settings, at::Device device);

// How steps over this data are computed on this model. `note` is told, a line each, what memory
// they need; it may be empty. Throws as base::available_memory_bytes.
TrainerOptions trainer_options(const Settings& settings, const lm::DualAr& model,
                               const RunData& data,
                               const std::function<void(const std::string&)>& note);

}  // namespace koi::train
