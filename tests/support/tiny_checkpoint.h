// A checkpoint folder with the smallest tokenizer there is, and adapters for it.
#pragma once

#include <functional>
#include <string>

#include "koi/base/error.h"
#include "koi/checkpoint/pth.h"
#include "koi/lm/adapters.h"
#include "koi/lm/checkpoint.h"
#include "koi/tensor/bridge.h"
#include "koi/tensor/random.h"
#include "tests/support/temp_dir.h"

namespace koi::test {

// What the call says when it refuses.
inline std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

class TinyCheckpoint {
 public:
  TinyCheckpoint() {
    base::make_folder(base);
    base::write_file(base / "tokenizer.json", R"({"version": "1.0", "truncation": null,
        "padding": null, "added_tokens": [{"id": 2, "content": "<|semantic|>",
        "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        "special": true}], "normalizer": null, "pre_tokenizer": null, "post_processor": null,
        "decoder": null, "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}})");
    config.vocab_size = 12;
    config.n_layer = 1;
    config.n_fast_layer = 1;
    config.dim = 8;
    config.n_head = 2;
    config.intermediate_size = 16;
    config.codebook_size = 16;
    config.num_codebooks = 2;
    config.tie_word_embeddings = false;
    save(at::kFloat);
  }

  void save(at::ScalarType dtype) {
    lm::DualAr model(config, 2);
    lm::initialize(model, 1, dtype);
    lm::save_model(model, base);
  }

  // A .ckpt of an adapter trained on the folder: values normal(0, `size`). Without `info` it is as
  // Lightning writes it.
  base::fs::path write_adapter(const std::string& name, const lm::LoraConfig& lora,
                               const std::optional<lm::AdapterInfo>& info = {}) {
    lm::DualAr model(config, 2);
    lm::initialize(model, 1);
    lm::add_lora(model, lora, 3);
    at::Generator generator = tensor::make_generator(std::hash<std::string>()(name));
    checkpoint::StateDict state;
    model.visit_lora([&](const std::string& key, at::Tensor& p) {
      state.emplace_back("model." + key, tensor::to_view(p.normal_(0, adapter_size, generator)));
    });
    return write(name, state, info);
  }

  base::fs::path write(const std::string& name, const checkpoint::StateDict& state,
                       const std::optional<lm::AdapterInfo>& info = {}) {
    using checkpoint::Value;
    const auto key = [](const char* text) { return Value(std::string(text)); };
    Value root = Value::dict({{key("state_dict"), checkpoint::from_state_dict(state)}});
    if (info) {
      root = Value::dict({{key("state_dict"), checkpoint::from_state_dict(state)},
                          {key("koi"), Value::dict({{key("adapter"), lm::adapter_value(*info)}})}});
    }
    checkpoint::save_pth(folder / name, root);
    return folder / name;
  }

  lm::AdapterInfo info(const lm::LoraConfig& lora) const {
    return {.lora = lora, .base = lm::identify_base(base, base), .koi_version = "1.2.3"};
  }

  TempDir folder;
  base::fs::path base = folder / "base";
  lm::ModelConfig config;
  double adapter_size = 0.1;
};

}  // namespace koi::test
