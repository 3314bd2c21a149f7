#include "koi/lm/model.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "koi/base/error.h"
#include "koi/lm/checkpoint.h"
#include "koi/tensor/random.h"
#include "tests/support/tensor_near.h"

namespace koi::lm {
namespace {

using testing::HasSubstr;

constexpr int64_t kSemantic = 5;
constexpr double kNear = 1e-5;  // fp32 activations of size 1: sums in another order

// Logits of size 5 to 8, through six layers: 30 roundings of fp32, relative to the largest (found:
// 2.5e-6).
double near(const at::Tensor& logits) { return 4e-6 * logits.abs().max().item<double>(); }

// Small, and unlike the goldens in all that they may have.
ModelConfig small() {
  ModelConfig config;
  config.vocab_size = 40;
  config.n_layer = 2;
  config.n_fast_layer = 2;
  config.dim = 24;
  config.n_head = 6;
  config.n_local_heads = 3;
  config.intermediate_size = 40;
  config.codebook_size = 16;
  config.num_codebooks = 3;
  config.max_seq_len = 100;
  config.initializer_range = 0.3;
  config.tie_word_embeddings = false;
  return config;
}

DualAr make(const ModelConfig& config, uint64_t seed = 1) {
  DualAr model(config, kSemantic);
  initialize(model, seed);
  return model;
}

// Random frames and texts.
at::Tensor make_tokens(const ModelConfig& config, int64_t batch, int64_t count) {
  at::Generator generator = tensor::make_generator(7);
  const std::vector<int64_t> codes_shape = {batch, config.num_codebooks, count};
  auto main = at::empty({batch, 1, count}, at::kLong).random_(0, config.vocab_size, generator);
  const auto frame = at::empty({batch, 1, count}, at::kLong).random_(0, 2, generator).eq(1);
  main = main.masked_fill(frame, kSemantic);
  const auto codes = at::empty(codes_shape, at::kLong).random_(0, config.codebook_size, generator);
  return at::cat({main, codes * frame}, 1);
}

class Variants : public testing::TestWithParam<const char*> {
 protected:
  static ModelConfig config() {
    ModelConfig result = small();
    const std::string name = GetParam();
    result.tie_word_embeddings = name == "tied";
    result.attention_qkv_bias = name == "bias";
    if (name == "fast_dim")
      result.fast_dim = 16, result.fast_n_head = 2, result.fast_n_local_heads = 1;
    if (name == "one_codebook") result.num_codebooks = 1;
    if (name == "many_codebooks") result.num_codebooks = 9;
    return result;
  }
  // Weights as after some training: biases and norms too are not what they start with.
  static DualAr shaken() {
    DualAr model = make(config());
    at::Generator generator = tensor::make_generator(3);
    model.visit([&](const std::string&, at::Tensor& p) {
      p = p + at::empty_like(p).normal_(0, 0.1, generator);
    });
    return model;
  }
};
INSTANTIATE_TEST_SUITE_P(All, Variants,
                         testing::Values("plain", "tied", "bias", "fast_dim", "one_codebook",
                                         "many_codebooks"),
                         [](const auto& variant) { return std::string(variant.param); });

TEST_P(Variants, HasItsKeysAndFiniteLogits) {
  DualAr model = shaken();
  std::map<std::string, std::vector<int64_t>> shapes;
  model.visit([&](const std::string& n, at::Tensor& p) { shapes[n] = p.sizes().vec(); });
  const std::string name = GetParam();
  const ModelConfig c = config();
  EXPECT_EQ(shapes.contains("output.weight"), name != "tied");
  EXPECT_EQ(shapes.contains("layers.1.attention.wqkv.bias"), name == "bias");
  EXPECT_EQ(shapes.contains("fast_layers.1.attention.wqkv.bias"), name == "bias");
  EXPECT_EQ(shapes.contains("fast_project_in.weight"), name == "fast_dim");
  if (name == "bias") {
    EXPECT_EQ(shapes.at("layers.1.attention.wqkv.bias")[0], 24 + 2 * 12);
  }
  if (name == "fast_dim") {
    EXPECT_EQ(shapes.at("fast_project_in.weight"), (std::vector<int64_t>{16, 24}));
    EXPECT_EQ(shapes.at("fast_project_in.bias"), (std::vector<int64_t>{16}));
    EXPECT_EQ(shapes.at("fast_layers.0.attention.wqkv.weight"), (std::vector<int64_t>{32, 16}));
  }
  EXPECT_EQ(shapes.at("codebook_embeddings.weight")[0], c.codebook_size * c.num_codebooks);

  const DualArOutput output = model.forward(make_tokens(c, 2, 9), {}, {});
  EXPECT_EQ(output.token_logits.sizes(), (std::vector<int64_t>{2, 9, c.vocab_size}));
  EXPECT_EQ(output.codebook_logits.sizes(),
            (std::vector<int64_t>{2, 9, c.num_codebooks, c.codebook_size}));
  EXPECT_TRUE(output.token_logits.isfinite().all().item<bool>());
  EXPECT_TRUE(output.codebook_logits.isfinite().all().item<bool>());
  EXPECT_GT(output.codebook_logits.abs().max().item<double>(), 0);
}

// Generating, with caches and in pieces of any size, gives what all at once gives.
TEST_P(Variants, StepByStepEqualsAllAtOnce) {
  const DualAr model = shaken();
  const ModelConfig c = config();
  constexpr int64_t kBatch = 2, kCount = 80;
  const at::Tensor tokens = make_tokens(c, kBatch, kCount);
  const DualArOutput whole = model.forward(tokens, {}, {});
  KvCache cache = model.make_slow_cache(kBatch, kCount);
  KvCache fast = model.make_fast_cache(kBatch);
  for (auto& list : {cache.k, cache.v, fast.k, fast.v})
    for (const at::Tensor& store : list) store.fill_(NAN);  // what is not filled is not looked at
  int64_t done = 0;
  for (const int64_t piece : {5, 1, 1, 66, 3, 1, 1, 1}) {
    const auto step = model.forward_slow(tokens.narrow(2, done, piece), cache);
    done += piece;
    EXPECT_EQ(cache.filled, done);
    test::expect_near(step.logits, whole.token_logits.select(1, done - 1), near(whole.token_logits),
                      "token logits");
    const at::Tensor next = tokens.select(2, done).slice(1, 1);  // [B, K]
    fast.filled = 0;
    at::Tensor x = model.project_hidden(step.hidden);
    for (int64_t k = 0; k < c.num_codebooks; ++k) {
      if (k > 0) x = model.embed_code(next.select(1, k - 1));
      const at::Tensor logits = model.forward_fast(x, fast);
      for (int64_t b = 0; b < kBatch; ++b) {
        if (next[b].slice(0, 0, std::max<int64_t>(1, c.num_codebooks - 1)).any().item<bool>()) {
          test::expect_near(logits[b], whole.codebook_logits[b][done - 1][k],
                            near(whole.codebook_logits), "codes");
        }
      }
    }
    EXPECT_THROW(model.forward_fast(x, fast), Error);
  }
  EXPECT_EQ(done, 79);
  EXPECT_THROW(model.forward_slow(tokens.narrow(2, 0, 2), cache), Error);
}

// Rows of a batch that stand at different places, of which the second is put over an older column.
TEST_P(Variants, StepsOfABatchAreThoseOfEachRow) {
  const DualAr model = shaken();
  constexpr int64_t kSpan = 40;
  const std::vector<int64_t> filled{12, 3, 30};
  const auto rows = std::ssize(filled);
  const at::Tensor tokens = make_tokens(config(), rows, kSpan);
  KvCache together = model.make_slow_cache(rows, kSpan + 8);
  for (auto* list : {&together.k, &together.v})
    for (at::Tensor& layer : *list) layer.zero_();
  std::vector<KvCache> alone;
  for (int64_t row = 0; row < rows; ++row) {
    alone.push_back(model.make_slow_cache(1, kSpan));
    KvCache view;
    for (size_t i = 0; i < together.k.size(); ++i) {
      view.k.push_back(together.k[i].narrow(0, row, 1));
      view.v.push_back(together.v[i].narrow(0, row, 1));
    }
    const int64_t count = filled[static_cast<size_t>(row)];
    const at::Tensor prompt = tokens.narrow(0, row, 1).narrow(2, 0, count);
    model.forward_slow(prompt, alone.back());
    // What is behind a row's place must not count.
    model.forward_slow(at::cat({prompt, prompt}, 2).slice(2, 0, count + 2), view);
  }
  for (int64_t step = 0; step < 4; ++step) {
    const at::Tensor positions = at::tensor(filled, at::kLong) + step;
    const at::Tensor column =
        tokens.gather(2, positions.view({-1, 1, 1}).expand({rows, tokens.size(1), 1})).squeeze(2);
    const DualAr::SlowStep found = model.step_slow(column, {positions, kSpan}, together);
    for (int64_t row = 0; row < rows; ++row) {
      const auto wanted = model.forward_slow(column.narrow(0, row, 1).unsqueeze(2),
                                             alone[static_cast<size_t>(row)]);
      test::expect_near(found.logits.narrow(0, row, 1), wanted.logits, near(wanted.logits),
                        "logits");
      test::expect_near(found.hidden.narrow(0, row, 1), wanted.hidden, near(wanted.hidden),
                        "hidden");
    }
  }
}

TEST_P(Variants, RecomputeGivesTheSameLossAndGradients) {
  ModelConfig c = config();
  c.dropout = 0.2;
  std::vector<at::Tensor> gradients[2];
  for (const bool again : {false, true}) {
    DualAr model = make(c);
    add_lora(model, {.r = 2, .alpha = 4, .dropout = 0.3}, /*seed=*/5);
    std::vector<at::Tensor> parameters;
    const auto train = [&](const std::string&, at::Tensor& p) {
      parameters.push_back(p.requires_grad_(true));
    };
    model.visit(train);
    model.visit_lora(train);
    at::Generator generator = tensor::make_generator(11);
    ForwardOptions options{.train = true, .recompute = again, .generator = &generator};
    const DualArOutput output = model.forward(make_tokens(c, 2, 9), {}, options);
    (output.token_logits.square().mean() + output.codebook_logits.square().mean()).backward();
    for (const at::Tensor& p : parameters) gradients[again].push_back(p.grad());
    gradients[again].push_back(at::rand({1}, generator));  // it stands at the same place
  }
  ASSERT_EQ(gradients[0].size(), gradients[1].size());
  for (size_t i = 0; i < gradients[0].size(); ++i) {
    ASSERT_EQ(gradients[0][i].defined(), gradients[1][i].defined()) << i;
    if (!gradients[0][i].defined()) continue;
    EXPECT_TRUE(at::equal(gradients[0][i], gradients[1][i])) << i;
  }
}

TEST(DualAr, GradientsReachExactlyWhatIsTrained) {
  DualAr model = make(small());
  model.layers[0].attention.wo.weight.requires_grad_(true);
  model.forward(make_tokens(small(), 1, 6), {}, {.train = true}).token_logits.sum().backward();
  model.visit([](const std::string& name, at::Tensor& p) {
    EXPECT_EQ(p.grad().defined(), name == "layers.0.attention.wo.weight") << name;
  });
}

TEST(DualAr, PaddingAndLaterColumnsChangeNothingBeforeThem) {
  const DualAr model = make(small());
  at::Tensor tokens = make_tokens(small(), 2, 10);
  at::Tensor padding = at::zeros({2, 10}, at::kBool);
  padding[1].slice(0, 6).fill_(true);
  const at::Tensor padded = model.forward(tokens, padding, {}).token_logits;
  const at::Tensor cut = model.forward(tokens.narrow(2, 0, 6), {}, {}).token_logits;
  test::expect_near(padded.narrow(1, 0, 6), cut, kNear, "before the padding");
  tokens.select(2, 9).add_(1).remainder_(small().codebook_size);
  const at::Tensor other = model.forward(tokens, padding, {}).token_logits;
  test::expect_near(other.narrow(1, 0, 9), padded.narrow(1, 0, 9), kNear, "before the change");
  EXPECT_GT(test::max_difference(other[0][9], padded[0][9]), 1e-3);
  // A padded position sees what is not padding, so the padding's content is of no account there.
  EXPECT_LT(test::max_difference(other[1][8], padded[1][8]), kNear);
}

// Samples of one row that stand one behind the other give what each gives alone.
TEST_P(Variants, PackedSamplesSeeNothingOfEachOther) {
  const DualAr model = shaken();
  const at::Tensor tokens = make_tokens(config(), 1, 80);
  const std::vector<int64_t> lengths = {70, 1, 9};  // both kinds of attention, and a lone column
  const DualArHidden packed =
      model.forward_hidden({.tokens = tokens, .padding = {}, .segments = lengths}, {});
  int64_t from = 0, rows = 0;
  for (const int64_t length : lengths) {
    const DualArOutput alone = model.forward(tokens.narrow(2, from, length), {}, {});
    const auto logits = model.token_logits(packed.slow.narrow(0, from, length), {});
    test::expect_near(logits, alone.token_logits[0], near(alone.token_logits), "tokens");
    const auto in_sample = packed.rows.ge(from).logical_and(packed.rows.lt(from + length));
    const auto mine = in_sample.nonzero().squeeze(1);
    rows += mine.numel();
    from += length;
    if (mine.numel() == 0) continue;  // alone, the first rows are computed all the same
    const auto codes = model.code_logits(packed.fast.index_select(0, mine), {});
    const auto expected = alone.codebook_logits[0].index_select(
        0, packed.rows.index_select(0, mine) - (from - length));
    test::expect_near(codes, expected, near(expected), "codes");
    EXPECT_EQ(alone.codebook_logits[0].abs().flatten(1).amax(1).ne(0).sum().item<int64_t>(),
              mine.numel());
  }
  EXPECT_EQ(rows, packed.rows.numel());
  EXPECT_GT(rows, 10);
}

// What is heard in the tokens' place decides the slow part, the tokens all the rest.
TEST(DualAr, HeardTokensReachTheSlowPartAlone) {
  const DualAr model = make(small());
  const auto tokens = make_tokens(model.config(), 1, 20);
  const auto heard = at::where(tokens.eq(0), tokens, at::ones_like(tokens));
  const at::Tensor other = at::cat({tokens.slice(1, 0, 1), heard.slice(1, 1)}, 1);
  const auto both = model.forward_hidden({.tokens = tokens, .padding = {}, .heard = other}, {});
  const auto alone = model.forward_hidden({.tokens = other, .padding = {}}, {});
  EXPECT_TRUE(at::equal(both.slow, alone.slow));
  EXPECT_TRUE(
      at::equal(both.rows, model.forward_hidden({.tokens = tokens, .padding = {}}, {}).rows));
  EXPECT_FALSE(at::equal(both.fast, alone.fast));
}

TEST(DualAr, RefusesSamplesThatDoNotFillTheRow) {
  const DualAr model = make(small());
  const auto refuses = [&](const at::Tensor& tokens, const std::vector<int64_t>& lengths) {
    EXPECT_THROW(model.forward_hidden({.tokens = tokens, .padding = {}, .segments = lengths}, {}),
                 Error);
  };
  const at::Tensor row = make_tokens(small(), 1, 10);
  refuses(row, {4, 5});
  refuses(row, {11});
  refuses(row, {10, 0});
  refuses(row, {12, -2});
  refuses(make_tokens(small(), 2, 10), {10});
  refuses(make_tokens(small(), 1, 102), {1, 101});  // 100 positions are known
  model.forward_hidden(
      {.tokens = make_tokens(small(), 1, 110), .padding = {}, .segments = {100, 10}}, {});
}

TEST(DualAr, RowsWithoutCodesHaveZeroLogits) {
  const ModelConfig config = small();
  const DualAr model = make(config);
  at::Tensor tokens = at::ones({1, 4, 5}, at::kLong);
  tokens[0].slice(0, 1).fill_(0);
  tokens[0][0][3] = kSemantic;
  tokens[0][3][3] = 2;  // the last codebook alone does not count
  tokens[0][0][2] = kSemantic;
  tokens[0][1][2] = 7;
  const at::Tensor logits = model.forward(tokens, {}, {}).codebook_logits[0];
  for (int64_t t = 0; t < 5; ++t) EXPECT_EQ(logits[t].abs().max().item<double>() == 0, t != 1) << t;
  tokens[0].slice(0, 1).fill_(0);  // no codes at all: the first 8 rows are computed
  const at::Tensor all = model.forward(tokens.repeat({2, 1, 1}), {}, {}).codebook_logits;
  const at::Tensor computed = all.flatten(0, 1).flatten(1).ne(0).any(1);
  EXPECT_EQ(computed.sum().item<int64_t>(), 8);
  EXPECT_TRUE(computed.slice(0, 0, 8).all().item<bool>());
}

TEST(DualAr, CodesCountOnlyWhereTheTokenIsSemantic) {
  const DualAr model = make(small());
  const auto logits_of = [&](int64_t token, int64_t code) {
    at::Tensor tokens = at::full({1, 4, 1}, code, at::kLong);
    tokens[0][0][0] = token;
    return model.forward(tokens, {}, {}).token_logits;
  };
  EXPECT_EQ(test::max_difference(logits_of(3, 1), logits_of(3, 9)), 0);
  EXPECT_GT(test::max_difference(logits_of(kSemantic, 1), logits_of(kSemantic, 9)), 1e-3);
}

TEST(DualAr, RefusesTokensThatItDoesNotKnow) {
  const ModelConfig config = small();
  const DualAr model = make(config);
  const auto refusal = [&](const at::Tensor& tokens) -> std::string {
    try {
      model.forward(tokens, {}, {});
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal(at::zeros({1, 9, 2}, at::kLong)), HasSubstr("expected int64 [B, 4, T]"));
  EXPECT_THAT(refusal(at::zeros({1, 4, 2}, at::kInt)), HasSubstr("int64"));
  EXPECT_THAT(refusal(at::zeros({1, 4, 0}, at::kLong)), HasSubstr("[1, 4, 0]"));
  EXPECT_THAT(refusal(at::zeros({1, 4, 101}, at::kLong)), HasSubstr("101 positions are more"));
  at::Tensor tokens = at::zeros({1, 4, 2}, at::kLong);
  tokens[0][0][1] = 40;
  EXPECT_THAT(refusal(tokens), HasSubstr("token ids lie in 0 to 40, the model knows 0 to 39"));
  tokens[0][0][1] = 0;
  tokens[0][2][0] = -1;
  EXPECT_THAT(refusal(tokens), HasSubstr("codes lie in -1 to 0"));
}

}  // namespace
}  // namespace koi::lm
