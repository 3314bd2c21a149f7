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

// One line for the user: the device and the precision, and why if it is not the one asked for.
std::string describe_precision(const Settings& settings, at::Device device);

// The base with its adapters, if any; what is trained requires gradients. Throws as lm::load_model
// and lm::add_lora.
lm::DualAr load_run_model(const Settings& settings, at::Device device);

// How steps over this data are computed on this model. `note` is told, a line each, what memory
// they need; it may be empty. Throws as base::available_memory_bytes.
TrainerOptions trainer_options(const Settings& settings, const lm::DualAr& model,
                               const RunData& data,
                               const std::function<void(const std::string&)>& note);

}  // namespace koi::train
