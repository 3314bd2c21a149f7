#include "koi/lm/checkpoint.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/support/tensor_near.h"
#include "tests/support/tiny_checkpoint.h"

namespace koi::lm {
namespace {

namespace fs = base::fs;
using checkpoint::StateDict;
using test::refusal;
using testing::HasSubstr;

class Checkpoint : public testing::Test, protected test::TinyCheckpoint {
 protected:
  void write_state(const StateDict& state) {
    checkpoint::save_pth(base / "model.pth", checkpoint::from_state_dict(state));
  }
  std::string load_refusal() {
    return refusal([&] { load_model(base, {}); });
  }
};

TEST_F(Checkpoint, LoadsWhatWasSaved) {
  DualAr model = load_model(base, {});
  EXPECT_EQ(model.semantic_token_id(), 2);
  EXPECT_EQ(model.dtype(), at::kFloat);
  DualAr fresh = load_model(base, {.load_weights = false, .seed = 1});
  EXPECT_TRUE(at::equal(model.embeddings.weight, fresh.embeddings.weight));
  EXPECT_EQ(load_model(base, {.max_seq_len = 77}).config().max_seq_len, 77);
  save(at::kBFloat16);
  EXPECT_EQ(load_model(base, {}).dtype(), at::kFloat);
  EXPECT_EQ(load_model(base, {.dtype = std::nullopt}).dtype(), at::kBFloat16);
}

// Nothing is rounded to the first tensor's dtype.
TEST_F(Checkpoint, AFileOfSeveralDtypesIsLoadedAsFloat) {
  DualAr mixed = load_model(base, {.writable = true});
  const at::Tensor whole = mixed.layers[0].feed_forward.w1.weight.clone();
  ASSERT_FALSE(at::equal(whole, whole.to(at::kBFloat16).to(at::kFloat)));
  mixed.embeddings.weight = mixed.embeddings.weight.to(at::kBFloat16);
  save_weights(mixed, base / "model.pth");
  const DualAr model = load_model(base, {.dtype = std::nullopt});
  EXPECT_EQ(model.dtype(), at::kFloat);
  EXPECT_TRUE(at::equal(model.layers[0].feed_forward.w1.weight, whole));
}

TEST_F(Checkpoint, FromScratchHasTheStatedSpread) {
  config.vocab_size = 5000;
  config.attention_qkv_bias = true;
  DualAr model(config, 2);
  initialize(model, 1);
  EXPECT_NEAR(model.embeddings.weight.std().item<double>(), config.initializer_range, 1e-3);
  EXPECT_EQ(model.layers[0].attention.wqkv.bias.abs().max().item<double>(), 0);
  EXPECT_TRUE(at::equal(model.fast_norm, at::ones({8})));
}

TEST_F(Checkpoint, WeightsToBeTrainedAreWritable) {
  DualAr model = load_model(base, {.writable = true});
  model.norm.fill_(2);
  EXPECT_EQ(load_model(base, {}).norm[0].item<float>(), 1);
}

TEST_F(Checkpoint, LoadsOldWrappedFiles) {
  const DualAr whole = load_model(base, {.writable = true});
  StateDict old;
  for (const auto& [name, view] : checkpoint::load_state_dict(base / "model.pth")) {
    const size_t at = name.find("wqkv.");
    if (at == std::string::npos) {
      old.emplace_back("model." + name, view);
      continue;
    }
    const auto parts = tensor::to_tensor(view).split(config.dim, 0);
    for (size_t i = 0; i < 3; ++i) {
      std::string part = name;
      part.replace(at, 4, std::string("w") + "qkv"[i]);
      old.emplace_back("model." + part, tensor::to_view(parts[i]));
    }
  }
  const auto wrapped = checkpoint::Value::dict({{"state_dict", checkpoint::from_state_dict(old)}});
  checkpoint::save_pth(base / "model.pth", wrapped);
  const DualAr model = load_model(base, {});
  EXPECT_TRUE(
      at::equal(model.layers[0].attention.wqkv.weight, whole.layers[0].attention.wqkv.weight));
  old.pop_back();
  write_state(old);
  EXPECT_THAT(load_refusal(), HasSubstr("fast_output.weight"));
  const auto is_k = [](const auto& e) { return e.first.ends_with("0.attention.wk.weight"); };
  const auto k = std::find_if(old.begin(), old.end(), is_k);
  for (const at::Tensor& other : {at::zeros({8, 8}, at::kBFloat16), at::zeros({8, 9})}) {
    k->second = tensor::to_view(other);
    write_state(old);
    EXPECT_THAT(load_refusal(), HasSubstr("which does not fit below that of"));
  }
  std::erase_if(old, is_k);
  write_state(old);
  EXPECT_THAT(load_refusal(), HasSubstr("lacks the tensor layers.0.attention.wk.weight"));
}

TEST_F(Checkpoint, RefusesWhatDoesNotFit) {
  write_state({});
  EXPECT_THAT(load_refusal(), HasSubstr("model.pth: holds no tensors"));
  write_state({{"embeddings.weight", tensor::to_view(at::zeros({12, 8}, at::kLong))}});
  EXPECT_THAT(load_refusal(), HasSubstr("floats were expected"));
  write_state({{"embeddings.weight", tensor::to_view(at::zeros({12, 9}))}});
  EXPECT_THAT(load_refusal(), HasSubstr("embeddings.weight has the shape [12, 9]"));
  fs::remove(base / "model.pth");
  EXPECT_THAT(load_refusal(), HasSubstr("model.pth: no such file"));
  config.vocab_size = 2;
  save(at::kFloat);
  EXPECT_THAT(load_refusal(), HasSubstr("<|semantic|> is token 2"));
  fs::remove(base / "config.json");
  EXPECT_THAT(load_refusal(), HasSubstr("config.json: no such file"));
  fs::rename(base / "tokenizer.json", base / "tokenizer.tiktoken");
  EXPECT_THAT(load_refusal(), HasSubstr("1.5"));
}

}  // namespace
}  // namespace koi::lm
