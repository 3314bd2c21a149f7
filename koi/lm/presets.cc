#include "koi/lm/presets.h"

#include <string>

#include "koi/base/error.h"

namespace koi::lm {
namespace {

constexpr std::string_view kTiny = R"({
    "attention_qkv_bias": false,
    "codebook_size": 1024,
    "dim": 64,
    "dropout": 0.0,
    "head_dim": 16,
    "initializer_range": 0.02,
    "intermediate_size": 192,
    "max_seq_len": 1024,
    "model_type": "dual_ar",
    "n_fast_layer": 2,
    "n_head": 4,
    "n_layer": 4,
    "n_local_heads": 2,
    "norm_eps": 1e-06,
    "num_codebooks": 8,
    "rope_base": 1000000.0,
    "tie_word_embeddings": false,
    "use_gradient_checkpointing": true,
    "vocab_size": 265
})";

constexpr std::string_view kFishSpeech14 = R"({
    "attention_qkv_bias": false,
    "codebook_size": 1024,
    "dim": 1024,
    "dropout": 0.1,
    "head_dim": 64,
    "initializer_range": 0.02,
    "intermediate_size": 4096,
    "max_seq_len": 4096,
    "model_type": "dual_ar",
    "n_fast_layer": 4,
    "n_head": 16,
    "n_layer": 24,
    "n_local_heads": 2,
    "norm_eps": 1e-06,
    "num_codebooks": 8,
    "rope_base": 1000000.0,
    "tie_word_embeddings": false,
    "use_gradient_checkpointing": true,
    "vocab_size": 32000
})";

}  // namespace

std::string_view preset_json(std::string_view name) {
  if (name == "tiny") return kTiny;
  if (name == "fish-speech-1.4") return kFishSpeech14;
  throw Error(ErrorKind::usage, "preset", "\"" + std::string(name) + "\" is unknown",
              "choose tiny or fish-speech-1.4");
}

}  // namespace koi::lm
