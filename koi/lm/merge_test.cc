#include "koi/lm/merge.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/support/tensor_near.h"
#include "tests/support/tiny_checkpoint.h"

namespace koi::lm {
namespace {

namespace fs = base::fs;
using test::refusal;
using testing::Contains;
using testing::HasSubstr;

const LoraConfig kLora{.r = 2, .alpha = 4, .dropout = 0};

class Merge : public testing::Test, protected test::TinyCheckpoint {
 protected:
  MergeOptions options_for(const std::string& name) {
    return {.base = base, .adapters = {weighted(name)}, .output = folder / "merged"};
  }
  WeightedAdapter weighted(const std::string& name, double weight = 1) {
    AdapterFile file = load_adapter(folder / name);
    if (!file.says_base) file.info.lora = kLora;
    return {std::move(file), weight};
  }
  std::string merging(const MergeOptions& options) {
    return refusal([&] { merge_checkpoint(options); });
  }
  checkpoint::StateDict merged() {
    return checkpoint::load_state_dict(folder / "merged/model.pth");
  }
};

TEST_F(Merge, CopiesTheCompanionsAndNamesItsOrigin) {
  write_adapter("a.ckpt", kLora);
  base::write_file(base / "codec.pth", "codec");
  base::write_file(base / "firefly_gan_vq.yaml", "a: 1");
  base::write_file(base / "notes.txt", "not of the model");
  const MergeReport report = merge_checkpoint(options_for("a.ckpt"));
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
  load_lora(adapted, checkpoint::load_state_dict(folder / "a.ckpt"), "a.ckpt");
  merge_lora(adapted);
  EXPECT_TRUE(at::equal(load_model(folder / "merged", {}).output.weight, adapted.output.weight));
}

TEST_F(Merge, KeepsTheBasesDtype) {
  write_adapter("a.ckpt", kLora);
  save(at::kBFloat16);
  EXPECT_EQ(merge_checkpoint(options_for("a.ckpt")).dtype, at::kBFloat16);
  EXPECT_EQ(load_model(folder / "merged", {.dtype = std::nullopt}).dtype(), at::kBFloat16);
}

TEST_F(Merge, ReplacesOnlyMerges) {
  write_adapter("a.ckpt", kLora);
  MergeOptions options = options_for("a.ckpt");
  fs::create_directories(options.output);
  base::write_file(options.output / "precious", "x");
  EXPECT_THAT(merging(options), HasSubstr("was not made by a merge"));
  options.overwrite = true;
  EXPECT_THAT(merging(options), HasSubstr("was not made by a merge"));
  EXPECT_TRUE(fs::exists(options.output / "precious"));
  fs::remove(options.output / "precious");
  EXPECT_EQ(merging(options), "accepted");
  EXPECT_EQ(merging(options), "accepted");
  options.overwrite = false;
  EXPECT_THAT(merging(options), HasSubstr("is an earlier merge"));
  options.output = base;
  EXPECT_THAT(merging(options), HasSubstr("is the base"));
}

TEST_F(Merge, RefusesAdaptersThatDoNothingOrDiverged) {
  const auto merging_it = [&] { return merging(options_for("a.ckpt")); };
  adapter_size = 0;
  write_adapter("a.ckpt", kLora);
  EXPECT_THAT(merging_it(), HasSubstr("changes no weight"));
  adapter_size = 1e-7;  // lost in the rounding to bf16
  write_adapter("a.ckpt", kLora);
  save(at::kBFloat16);
  EXPECT_THAT(merging_it(), HasSubstr("changes no weight"));
  adapter_size = 1e30;
  write_adapter("a.ckpt", kLora);
  EXPECT_THAT(merging_it(), HasSubstr("not finite"));
  EXPECT_FALSE(fs::exists(folder / "merged"));
}

TEST_F(Merge, SeveralAdaptersAddUpWithTheirWeights) {
  const LoraConfig attention{.r = 3, .alpha = 3, .dropout = 0, .targets = {"attention"}};
  write_adapter("a.ckpt", kLora, info(kLora));
  write_adapter("b.ckpt", attention, info(attention));
  MergeOptions options = options_for("a.ckpt");
  options.adapters = {weighted("a.ckpt", 0.7), weighted("b.ckpt", -0.5)};
  const MergeReport report = merge_checkpoint(options);
  EXPECT_LT(report.max_difference, 1e-4);

  const auto original = checkpoint::load_state_dict(base / "model.pth");
  const auto result = merged();
  for (const auto& [name, view] : original) {
    at::Tensor expected = tensor::to_tensor(view).to(at::kDouble);
    const std::string module = name.substr(0, name.rfind('.'));
    for (const auto& [file, weight] : options.adapters) {
      const auto* a = checkpoint::find(file.tensors, module + ".lora_A");
      const auto* b = checkpoint::find(file.tensors, module + ".lora_B");
      if (a == nullptr) continue;
      const at::Tensor product =
          at::matmul(tensor::to_tensor(*b).to(at::kDouble), tensor::to_tensor(*a).to(at::kDouble));
      expected = expected + (module.ends_with("embeddings") ? product.t() : product) *
                                (file.info.lora.scaling() * weight);
    }
    const at::Tensor found = tensor::to_tensor(*checkpoint::find(result, name)).to(at::kDouble);
    test::expect_near(found, expected, 1e-6, name);  // fp32 products of rank 5, values below 1
  }
  const auto origin = nlohmann::json::parse(base::read_file(folder / "merged/koi_merge.json"));
  EXPECT_EQ(origin["adapters"][1]["weight"], -0.5);
  EXPECT_EQ(origin["adapters"][1]["targets"][0], "attention");
}

TEST_F(Merge, RefusesAnotherBaseOrTokenizer) {
  write_adapter("a.ckpt", kLora, info(kLora));
  EXPECT_EQ(merging(options_for("a.ckpt")), "accepted");
  MergeOptions options = options_for("a.ckpt");
  options.overwrite = true;

  const std::string tokenizer = base::read_file(base / "tokenizer.json");
  base::write_file(base / "tokenizer.json", tokenizer + "\n");
  EXPECT_THAT(merging(options), HasSubstr("with another tokenizer"));
  base::write_file(base / "tokenizer.json", tokenizer);
  EXPECT_EQ(merging(options), "accepted");

  DualAr other(config, 2);
  initialize(other, 2);
  save_model(other, base);
  EXPECT_THAT(merging(options), HasSubstr("a.ckpt: was trained on another base"));
  write_adapter("a.ckpt", kLora);  // one that does not say its base
  options.adapters = {weighted("a.ckpt")};
  EXPECT_EQ(merging(options), "accepted");
}

TEST_F(Merge, AFullFineTuneBecomesAFolder) {
  DualAr trained(config, 2);
  initialize(trained, 7);
  checkpoint::StateDict state;
  trained.visit([&](const std::string& name, at::Tensor& p) {
    state.emplace_back("model." + name, tensor::to_view(p));
  });
  write("full.ckpt", state);
  MergeOptions options = options_for("full.ckpt");
  merge_checkpoint(options);
  const auto result = merged();
  ASSERT_EQ(result.size(), state.size());
  for (size_t i = 0; i < state.size(); ++i) {
    EXPECT_EQ("model." + result[i].first, state[i].first);
    EXPECT_TRUE(at::equal(tensor::to_tensor(result[i].second), tensor::to_tensor(state[i].second)));
  }

  options.overwrite = true;
  options.adapters[0].weight = 0.5;
  EXPECT_THAT(merging(options), HasSubstr("takes no weight"));
  options.adapters[0].weight = 1;
  write_adapter("a.ckpt", kLora, info(kLora));
  options.adapters.push_back(weighted("a.ckpt"));
  EXPECT_THAT(merging(options), HasSubstr("full.ckpt: is a full fine-tune, no adapter"));
  state.pop_back();
  write("full.ckpt", state);
  options.adapters = {weighted("full.ckpt")};
  EXPECT_THAT(merging(options), HasSubstr("lacks the tensor"));
}

}  // namespace
}  // namespace koi::lm
