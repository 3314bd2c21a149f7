#include "koi/lm/checkpoint.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/checkpoint/pth.h"
#include "koi/lm/merge.h"
#include "koi/tensor/random.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tensor_near.h"

namespace koi::lm {
namespace {

namespace fs = base::fs;
using checkpoint::StateDict;
using testing::Contains;
using testing::HasSubstr;

constexpr LoraConfig kLora{.r = 2, .alpha = 4, .dropout = 0};

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

// A checkpoint folder with the smallest tokenizer there is.
class Checkpoint : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(base);
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
    DualAr model(config, 2);
    initialize(model, 1, dtype);
    save_model(model, base);
  }
  void write_state(const StateDict& state) {
    checkpoint::save_pth(base / "model.pth", checkpoint::from_state_dict(state));
  }
  // An adapter trained on `config`.
  void write_adapter() {
    DualAr model(config, 2);
    initialize(model, 1);
    add_lora(model, kLora, 3);
    at::Generator generator = tensor::make_generator(4);
    StateDict state;
    model.visit_lora([&](const std::string& name, at::Tensor& p) {
      state.emplace_back("model." + name, tensor::to_view(p.normal_(0, adapter_size, generator)));
    });
    checkpoint::save_pth(
        adapter, checkpoint::Value::dict({{"state_dict", checkpoint::from_state_dict(state)}}));
  }
  MergeOptions merge_options() {
    return {.base = base, .adapter = adapter, .output = folder / "merged", .lora = kLora};
  }
  std::string load_refusal() {
    return refusal([&] { load_model(base, {}); });
  }

  test::TempDir folder;
  fs::path base = folder / "base", adapter = folder / "a.ckpt";
  ModelConfig config;
  double adapter_size = 0.1;
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
  std::erase_if(old, [](const auto& e) { return e.first.ends_with("0.attention.wk.weight"); });
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

TEST_F(Checkpoint, MergeCopiesTheCompanionsAndNamesItsOrigin) {
  write_adapter();
  base::write_file(base / "codec.pth", "codec");
  base::write_file(base / "firefly_gan_vq.yaml", "a: 1");
  base::write_file(base / "notes.txt", "not of the model");
  const MergeReport report = merge_checkpoint(merge_options());
  EXPECT_EQ(report.dtype, at::kFloat);
  EXPECT_LT(report.max_difference, 1e-4);
  EXPECT_THAT(report.copied, Contains("codec.pth"));
  for (const char* name : {"codec.pth", "firefly_gan_vq.yaml", "config.json", "tokenizer.json"}) {
    EXPECT_EQ(base::read_file(folder / "merged" / name), base::read_file(base / name)) << name;
  }
  EXPECT_FALSE(fs::exists(folder / "merged/notes.txt"));
  EXPECT_TRUE(fs::exists(folder / "merged/koi_merge.json"));

  DualAr adapted = load_model(base, {});
  add_lora(adapted, kLora, 0);
  load_lora(adapted, checkpoint::load_state_dict(adapter), "a.ckpt");
  merge_lora(adapted);
  EXPECT_TRUE(at::equal(load_model(folder / "merged", {}).output.weight, adapted.output.weight));
}

TEST_F(Checkpoint, MergeKeepsTheBasesDtype) {
  write_adapter();
  save(at::kBFloat16);
  EXPECT_EQ(merge_checkpoint(merge_options()).dtype, at::kBFloat16);
  EXPECT_EQ(load_model(folder / "merged", {.dtype = std::nullopt}).dtype(), at::kBFloat16);
}

TEST_F(Checkpoint, MergeReplacesOnlyMerges) {
  write_adapter();
  MergeOptions options = merge_options();
  fs::create_directories(options.output);
  base::write_file(options.output / "precious", "x");
  const auto merging = [&] { return refusal([&] { merge_checkpoint(options); }); };
  EXPECT_THAT(merging(), HasSubstr("was not made by a merge"));
  options.overwrite = true;
  EXPECT_THAT(merging(), HasSubstr("was not made by a merge"));
  EXPECT_TRUE(fs::exists(options.output / "precious"));
  fs::remove(options.output / "precious");
  EXPECT_EQ(merging(), "accepted");
  EXPECT_EQ(merging(), "accepted");
  options.overwrite = false;
  EXPECT_THAT(merging(), HasSubstr("is an earlier merge"));
  options.output = base;
  EXPECT_THAT(merging(), HasSubstr("is the base"));
}

TEST_F(Checkpoint, MergeRefusesAdaptersThatDoNothingOrDiverged) {
  const auto merging = [&] { return refusal([&] { merge_checkpoint(merge_options()); }); };
  EXPECT_THAT(merging(), HasSubstr("a.ckpt: no such file"));
  adapter_size = 0;
  write_adapter();
  EXPECT_THAT(merging(), HasSubstr("changes no weight"));
  adapter_size = 1e-7;  // lost in the rounding to bf16
  write_adapter();
  save(at::kBFloat16);
  EXPECT_THAT(merging(), HasSubstr("changes no weight"));
  adapter_size = 1e30;
  write_adapter();
  EXPECT_THAT(merging(), HasSubstr("not finite"));
  EXPECT_FALSE(fs::exists(folder / "merged"));
}

}  // namespace
}  // namespace koi::lm
