// Adapters in files: what they say about themselves, and whether they belong to a base.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "koi/base/files.h"
#include "koi/checkpoint/value.h"
#include "koi/lm/lora.h"

namespace koi::lm {

// A checkpoint folder, as an adapter remembers it.
struct BaseIdentity {
  std::string path;                 // as it was given; only told, never compared
  std::string weights_hash = {};    // checkpoint::content_hash; empty: unknown
  std::string tokenizer_hash = {};  // SHA-256 of tokenizer.json; empty: unknown
};

// `tokenizer` is a tokenizer.json or the folder that holds it. Weights that koi quantize made of
// others have the others' hash; else all of them are read, see content_hash for the time. Throws
// what load_weights and read_file throw.
BaseIdentity identify_base(const base::fs::path& folder, const base::fs::path& tokenizer);

// What an adapter's file says besides the tensors.
struct AdapterInfo {
  LoraConfig lora;
  BaseIdentity base;
  std::string koi_version;  // that wrote the file
};

// As the entry "adapter" of a run checkpoint's "koi": base, base_hash, tokenizer_hash, r,
// lora_alpha, lora_dropout, targets, use_rslora, koi_version.
checkpoint::Value adapter_value(const AdapterInfo& info);

// The info of a checkpoint that load_pth gave; none where another program wrote it. Throws
// Error(corrupt) naming `where`.
std::optional<AdapterInfo> adapter_info(const checkpoint::Value& root, const std::string& where);

// Throws Error(config) where r, alpha, targets or rsLoRA of the file differ from what was told.
void check_lora(const LoraConfig& file, const LoraConfig& told, const std::string& where);

// Throws Error(config) where the adapter names other weights or another tokenizer than those of
// `base`. What either does not know is not compared.
void check_base(const AdapterInfo& adapter, const BaseIdentity& base, const std::string& where);

// What training leaves: an adapter, or all weights.
struct AdapterFile {
  base::fs::path path;
  checkpoint::StateDict tensors;  // "layers.0.attention.wqkv.lora_A", or every key of the model
  AdapterInfo info;
  bool says_base = false;  // info.base is the file's own word, to be checked

  bool is_adapter() const;  // false: all weights of a full fine-tune
};

// A run's .ckpt (koi's or Lightning's), a .pth of its state dict, or an adapter in PEFT's layout
// (the folder or its adapter_model.safetensors, see peft.h). `told`: the settings of training, for
// files that do not say them (without it the defaults of LoraConfig); where the file says others
// it is an Error(config). Throws what load_pth and load_peft throw, Error(corrupt) for a file
// without tensors.
AdapterFile load_adapter(const base::fs::path& path, const std::optional<LoraConfig>& told = {});

}  // namespace koi::lm
