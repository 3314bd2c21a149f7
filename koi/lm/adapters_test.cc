#include "koi/lm/adapters.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/lm/checkpoint.h"
#include "koi/tensor/random.h"
#include "tests/support/tensor_near.h"

namespace koi::lm {
namespace {

using testing::HasSubstr;

const LoraConfig kLora{.r = 3, .alpha = 6, .dropout = 0};

ModelConfig small() {
  ModelConfig config;
  config.vocab_size = 30;
  config.n_layer = 1;
  config.n_fast_layer = 1;
  config.dim = 16;
  config.n_head = 2;
  config.intermediate_size = 24;
  config.codebook_size = 16;
  config.num_codebooks = 3;
  config.initializer_range = 0.3;
  return config;
}

// A model with adapters that do something.
DualAr adapted(const ModelConfig& config) {
  DualAr model(config, /*semantic_token_id=*/5);
  initialize(model, /*seed=*/1);
  add_lora(model, kLora, /*seed=*/2);
  at::Generator generator = tensor::make_generator(3);
  model.visit_lora([&](const std::string&, at::Tensor& p) { p.normal_(0, 0.2, generator); });
  return model;
}

at::Tensor logits_of(const DualAr& model) {
  const at::Tensor tokens = at::arange(4 * 5).view({1, 4, 5}).remainder(16);
  tokens.select(2, 3).fill_(5);  // a frame
  const DualArOutput output = model.forward(tokens, {}, {});
  return at::cat({output.token_logits.flatten(), output.codebook_logits.flatten()});
}

checkpoint::StateDict lora_state(DualAr& model, const std::string& prefix) {
  checkpoint::StateDict state;
  model.visit_lora([&](const std::string& name, at::Tensor& p) {
    state.emplace_back(prefix + name, tensor::to_view(p));
  });
  return state;
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Adapters, FreshOnesChangeNothing) {
  DualAr model(small(), 5);
  initialize(model, 1);
  const at::Tensor before = logits_of(model);
  add_lora(model, kLora, 2);
  EXPECT_TRUE(at::equal(logits_of(model), before));
  const at::Tensor a = model.layers[0].attention.wo.lora->lora_A;
  EXPECT_LE(a.abs().max().item<double>(), 0.25);  // 1 / sqrt(16)
  EXPECT_GT(a.abs().max().item<double>(), 0.2);
  EXPECT_NEAR(model.embeddings.lora->lora_B.std().item<double>(), 1, 0.3);
  EXPECT_EQ(model.embeddings.lora->lora_A.abs().max().item<double>(), 0);
  EXPECT_THAT(refusal([&] { merge_lora(model); }), HasSubstr("changes no weight"));
}

// Also where the reference crashes: on tied embeddings and on qkv bias.
TEST(Adapters, MergedWeightsGiveWhatTheAdaptersGive) {
  for (const bool tied : {false, true}) {
    for (const bool bias : {false, true}) {
      ModelConfig config = small();
      config.tie_word_embeddings = tied;
      config.attention_qkv_bias = bias;
      config.fast_dim = 8;
      DualAr model = adapted(config);
      const at::Tensor before = logits_of(model);
      merge_lora(model);
      model.visit_lora([](const std::string& name, at::Tensor&) { FAIL() << name; });
      test::expect_near(logits_of(model), before, 1e-4, "logits");  // of size 10, sums reordered
      DualAr plain(config, 5);
      initialize(plain, 1);
      EXPECT_GT(test::max_difference(logits_of(plain), before), 0.1);
    }
  }
}

TEST(Adapters, EveryWeightIsAdaptedButTheProjection) {
  ModelConfig config = small();
  config.tie_word_embeddings = false;
  config.fast_dim = 8;
  DualAr model = adapted(config);
  std::set<std::string> expected, found;
  model.visit([&](const std::string& name, at::Tensor& p) {
    if (p.dim() == 2 && !name.starts_with("fast_project_in"))
      expected.insert(name.substr(0, name.rfind('.')));
  });
  model.visit_lora(
      [&](const std::string& name, at::Tensor&) { found.insert(name.substr(0, name.rfind('.'))); });
  EXPECT_EQ(found, expected);
}

TEST(Adapters, OnlyTheTargetsGetAny) {
  for (const bool tied : {false, true}) {
    ModelConfig config = small();
    config.tie_word_embeddings = tied;
    config.attention_qkv_bias = true;
    DualAr model(config, 5);
    initialize(model, 1);
    add_lora(model, {.r = 2, .alpha = 4, .targets = {"embeddings*", "fast_layers.*.wo"}}, 2);
    std::vector<std::string> found;
    at::Generator generator = tensor::make_generator(3);
    model.visit_lora([&](const std::string& name, at::Tensor& p) {
      found.push_back(name);
      p.normal_(0, 0.2, generator);
    });
    EXPECT_THAT(found, testing::ElementsAre("embeddings.lora_A", "embeddings.lora_B",
                                            "fast_layers.0.attention.wo.lora_A",
                                            "fast_layers.0.attention.wo.lora_B"));
    const at::Tensor before = logits_of(model);
    merge_lora(model);
    test::expect_near(logits_of(model), before, 1e-4, "logits");
  }
  DualAr model(small(), 5);
  EXPECT_THAT(refusal([&] { add_lora(model, {.targets = {"layers.*.wqk"}}, 1); }),
              HasSubstr("did you mean layers.*.attention.wqkv?"));
}

TEST(Adapters, RankStabilisedScaling) {
  EXPECT_EQ((LoraConfig{.r = 16, .alpha = 8}).scaling(), 0.5);
  EXPECT_EQ((LoraConfig{.r = 16, .alpha = 8, .use_rslora = true}).scaling(), 2);
}

TEST(Adapters, LoadWhatWasSavedWithAndWithoutPrefix) {
  DualAr source = adapted(small());
  for (const std::string prefix : {"", "model."}) {
    DualAr model(small(), 5);
    initialize(model, 1);
    add_lora(model, kLora, 9);
    checkpoint::StateDict state = lora_state(source, prefix);
    state.emplace_back("model.norm.weight", tensor::to_view(at::ones({16})));  // not looked at
    load_lora(model, state, "a.ckpt");
    EXPECT_TRUE(at::equal(logits_of(model), logits_of(source)));
  }
}

TEST(Adapters, RefuseWhatDoesNotFit) {
  DualAr model = adapted(small());
  const auto loading = [&](const checkpoint::StateDict& state) {
    return refusal([&] { load_lora(model, state, "a.ckpt"); });
  };
  const checkpoint::StateDict good = lora_state(model, "model.");
  EXPECT_EQ(loading(good), "accepted");
  EXPECT_THAT(loading({}), HasSubstr("a.ckpt: holds no LoRA tensors"));
  EXPECT_THAT(loading({good.begin() + 1, good.end()}),
              HasSubstr("lacks the tensor embeddings.lora_A"));
  checkpoint::StateDict more = good;
  more.emplace_back("layers.7.lora_A", good[0].second);
  EXPECT_THAT(loading(more), HasSubstr("has the tensor layers.7.lora_A"));

  DualAr other_rank = adapted(small());
  add_lora(other_rank, {.r = 4, .alpha = 6, .dropout = 0}, 1);
  EXPECT_THAT(loading(lora_state(other_rank, "")),
              HasSubstr("has the shape [4, 30], expected [3, 30]; the adapter has the rank 4"));
  ModelConfig wider = small();
  wider.vocab_size = 31;
  DualAr other_base = adapted(wider);
  EXPECT_THAT(loading(lora_state(other_base, "")), HasSubstr("belongs to another base model"));
}

TEST(Adapters, RefuseImpossibleSettings) {
  DualAr model(small(), 5);
  for (const LoraConfig& config :
       {LoraConfig{.r = 0}, LoraConfig{.r = 1 << 20}, LoraConfig{.r = 8, .alpha = INFINITY},
        LoraConfig{.r = 8, .alpha = 16, .dropout = 1}}) {
    EXPECT_THROW(add_lora(model, config, 1), Error);
  }
}

TEST(Dropout, DrawsOnlyInTraining) {
  at::Generator generator = tensor::make_generator(1);
  const auto draw = [&](bool train, double p) {
    return Dropout{.train = train, .generator = &generator}.draw_seed(p, at::kCPU);
  };
  const uint64_t first = draw(true, 0.25);
  EXPECT_NE(draw(true, 0.25), first);
  generator.set_current_seed(1);
  EXPECT_EQ(draw(true, 0), 0);
  EXPECT_EQ(draw(false, 0.25), 0);
  EXPECT_EQ(draw(true, 0.25), first);
}

}  // namespace
}  // namespace koi::lm
