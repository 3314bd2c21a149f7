#include "koi/lm/presets.h"

#include <cmath>
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

void make_talkative(DualAr& model) {
  constexpr int64_t kFeature = 0;
  const double range = model.config().initializer_range;
  model.embeddings.weight.select(1, kFeature).fill_(10 * range);
  model.output.weight[model.semantic_token_id()][kFeature].fill_(50 * range);
  // All blocks together add about as much as the embeddings hold, so that the feature gets through.
  const auto depth = static_cast<double>(2 * model.config().n_layer);
  const double scale = 1 / (range * static_cast<double>(model.config().dim) * std::sqrt(depth));
  for (Block& block : model.layers) {
    block.attention.wo.weight.mul_(scale);
    block.feed_forward.w2.weight.mul_(scale);
  }
}

}  // namespace koi::lm
