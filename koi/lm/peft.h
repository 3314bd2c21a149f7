// Adapters in the layout of Hugging Face's PEFT: a folder with adapter_config.json (what was
// adapted and how) and adapter_model.safetensors (base_model.model.MODULE.lora_A.weight and
// lora_B.weight; of embeddings lora_embedding_A and lora_embedding_B, without ".weight"). The
// shapes are those of lora.h. Source: PEFT 0.21's documentation and files.
#pragma once

#include "koi/lm/adapter_file.h"

namespace koi::lm {

// `path` is the folder or its adapter_model.safetensors. What is adapted is what the tensors name;
// target_modules is not looked at. Throws Error(not_found) for a missing file, Error(corrupt) for
// broken ones, Error(unsupported) for kinds of adapters that are no plain LoRA (DoRA, biases,
// ranks or alphas of single modules, other weights saved along, a changed base).
AdapterFile load_peft(const base::fs::path& path);

// Writes both files into an existing folder. koi's own knowledge of the base stands in the
// metadata of the safetensors, which PEFT does not look at. Throws Error(usage) for a full
// fine-tune, Error(config) for an adapter of another rank than adapter.info says.
void save_peft(const AdapterFile& adapter, const base::fs::path& folder);

}  // namespace koi::lm
