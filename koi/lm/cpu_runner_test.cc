#include "koi/lm/cpu_runner.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/lm/adapters.h"
#include "koi/lm/checkpoint.h"
#include "koi/tensor/random.h"

namespace koi::lm {
namespace {

using kernels::Format;
using kernels::Instructions;

constexpr int64_t kSemantic = 3;

ModelConfig small_config() {
  ModelConfig config;
  config.vocab_size = 50;
  config.n_layer = 3;
  config.n_head = 6;
  config.n_local_heads = 2;
  config.dim = 48;
  config.intermediate_size = 70;  // no multiple of any vector's length
  config.codebook_size = 20;
  config.num_codebooks = 3;
  config.n_fast_layer = 2;
  config.fast_dim = 24;
  config.fast_n_head = 4;
  config.fast_n_local_heads = 1;
  config.fast_intermediate_size = 40;
  config.max_seq_len = 64;
  config.attention_qkv_bias = true;
  config.tie_word_embeddings = false;
  config.initializer_range =
      0.1;  // times the root of the width: layers keep the size of what comes in
  return config;
}

DualAr make_model(const ModelConfig& config) {
  DualAr model(config, kSemantic);
  initialize(model, 7);
  const at::NoGradGuard no_gradients;
  at::Generator generator = tensor::make_generator(8);
  model.visit([&](const std::string& name, at::Tensor& parameter) {
    if (name.ends_with("bias") || name.ends_with("norm.weight"))
      parameter.uniform_(0.5, 1.5, generator);
  });
  return model;
}

// [n, 1 + K]: text and frames in turn.
std::vector<int32_t> make_columns(const ModelConfig& config, int64_t count, uint64_t seed) {
  const auto random = at::detail::createCPUGenerator(seed);
  at::Tensor columns =
      at::randint(0, config.codebook_size, {count, 1 + config.num_codebooks}, random, at::kInt);
  columns.select(1, 0).slice(0, 1, count, 2).fill_(kSemantic);
  return {columns.const_data_ptr<int32_t>(), columns.const_data_ptr<int32_t>() + columns.numel()};
}

at::Tensor to_tensor(const std::vector<float>& values, int64_t rows) {
  return at::tensor(values).view({rows, -1});
}

at::Tensor input_of(const std::vector<int32_t>& columns, int64_t height) {
  return at::tensor(columns, at::kInt).view({-1, height}).t().to(at::kLong).unsqueeze(0);
}

void expect_near(const at::Tensor& found, const at::Tensor& expected, double tolerance) {
  ASSERT_EQ(found.sizes(), expected.sizes());
  EXPECT_LE((found - expected).abs().max().item<double>(),
            tolerance * expected.abs().max().item<double>());
}

class CpuRunnerTest : public testing::TestWithParam<Instructions> {
 protected:
  CpuRunner runner(const CpuWeights& weights) const { return {weights, 3, GetParam()}; }
};

// A prompt, then a frame, through both parts: all equal to the model with tensors.
void compare_with_tensors(const DualAr& model, CpuRunner runner, const CpuWeights& weights,
                          double tolerance) {
  const ModelConfig& config = model.config();
  const int64_t height = 1 + config.num_codebooks;
  KvCache cache = model.make_slow_cache(1, 40);
  CpuCache own(weights.slow, 40);
  for (const int64_t count : {int64_t{21}, int64_t{1}, int64_t{3}, int64_t{11}}) {
    const auto columns = make_columns(config, count, static_cast<uint64_t>(count));
    const auto expected = model.forward_slow(input_of(columns, height), cache);
    const auto hidden = runner.append(columns, own);
    const auto last = std::span(hidden).last(static_cast<size_t>(config.dim));
    expect_near(to_tensor({last.begin(), last.end()}, 1), expected.hidden, tolerance);
    expect_near(to_tensor(runner.token_logits(last, {}), 1), expected.logits, tolerance);
    const std::vector<int64_t> ids{kSemantic, 17};
    expect_near(to_tensor(runner.token_logits(last, ids), 1),
                expected.logits.index_select(1, at::tensor(ids)), tolerance);

    KvCache fast = model.make_fast_cache(1);
    CpuCache own_fast(weights.fast, config.num_codebooks);
    at::Tensor x = model.project_hidden(expected.hidden);
    std::vector<float> own_x = runner.project_hidden(last);
    CpuCache* const caches[] = {&own_fast};
    for (int32_t k = 0; k < config.num_codebooks; ++k) {
      expect_near(to_tensor(runner.code_logits(own_x, caches), 1), model.forward_fast(x, fast),
                  tolerance);
      x = model.embed_code(at::tensor({int64_t{k} + 4}));
      own_x = runner.embed_codes(std::array{k + 4});
    }
  }
}

// fp32 sums in another order.
TEST_P(CpuRunnerTest, EqualsTheModelWithTensors) {
  const DualAr model = make_model(small_config());
  const CpuWeights weights = cpu_weights(model, {}, 2);
  compare_with_tensors(model, runner(weights), weights, 1e-5);
}

TEST_P(CpuRunnerTest, TiedEmbeddingsAndEqualWidths) {
  ModelConfig config = small_config();
  config.tie_word_embeddings = true;
  config.fast_dim = config.fast_n_head = config.fast_n_local_heads = std::nullopt;
  const DualAr model = make_model(config);
  const CpuWeights weights = cpu_weights(model, {}, 2);
  compare_with_tensors(model, runner(weights), weights, 1e-5);
}

TEST_P(CpuRunnerTest, AdaptersCount) {
  for (const bool tied : {false, true}) {
    ModelConfig config = small_config();
    config.tie_word_embeddings = tied;
    DualAr model = make_model(config);
    add_lora(model, {.r = 4}, 1);
    at::Generator generator = tensor::make_generator(9);
    model.visit_lora(
        [&](const std::string&, at::Tensor& parameter) { parameter.normal_(0, 0.1, generator); });
    const CpuWeights weights = cpu_weights(model, {}, 2);
    compare_with_tensors(model, runner(weights), weights, 1e-5);
  }
}

// Of embeddings the file's own form is looked at; nothing is rounded: as a model of the same
// numbers in fp32.
TEST_P(CpuRunnerTest, Bf16ModelsAreAsTheyAre) {
  DualAr wide = make_model(small_config());
  DualAr model(small_config(), kSemantic);
  initialize(model, 7, at::kBFloat16);
  std::vector<at::Tensor> values;
  wide.visit([&](const std::string&, at::Tensor& parameter) {
    values.push_back(parameter.to(at::kBFloat16));
    parameter = values.back().to(at::kFloat);
  });
  size_t next = 0;
  model.visit([&](const std::string&, at::Tensor& parameter) { parameter = values[next++]; });
  const CpuWeights weights = cpu_weights(model, {.slow = Format::bf16, .fast = Format::bf16}, 2);
  EXPECT_EQ(weights.embeddings.values, model.embeddings.weight.const_data_ptr());
  compare_with_tensors(wide, runner(weights), weights, 1e-5);
}

// Against a model whose weights are those that the format holds: what is left are the inputs'
// 16 bits.
TEST_P(CpuRunnerTest, OtherFormatsAreThoseWeights) {
  for (const Format format : {Format::bf16, Format::int8, Format::int4}) {
    SCOPED_TRACE(kernels::name_of(format));
    DualAr model = make_model(small_config());
    const CpuWeights weights = cpu_weights(model, {.slow = format, .fast = format}, 2);
    const auto take = [](const CpuLinear& from, Linear& to) {
      to.weight = at::empty_like(to.weight);
      for (int64_t row = 0; row < from.weight.rows; ++row)
        kernels::read_row(from.weight, row,
                          to.weight.data_ptr<float>() + row * from.weight.columns);
    };
    const auto take_all = [&](const std::vector<CpuBlock>& from, std::vector<Block>& to) {
      for (size_t i = 0; i < to.size(); ++i) {
        take(from[i].wqkv, to[i].attention.wqkv);
        take(from[i].wo, to[i].attention.wo);
        take(from[i].w1, to[i].feed_forward.w1);
        take(from[i].w2, to[i].feed_forward.w2);
        take(from[i].w3, to[i].feed_forward.w3);
      }
    };
    take_all(weights.slow.blocks, model.layers);
    take_all(weights.fast.blocks, model.fast_layers);
    take(weights.slow.output, model.output);
    take(weights.fast.output, model.fast_output);
    take(weights.fast_project_in, model.fast_project_in);
    compare_with_tensors(model, runner(weights), weights, format == Format::bf16 ? 1e-5 : 5e-4);
  }
}

TEST_P(CpuRunnerTest, SequencesStepTogetherAsAlone) {
  const DualAr model = make_model(small_config());
  const CpuWeights weights = cpu_weights(model, {}, 2);
  CpuRunner together = runner(weights);
  const ModelConfig& config = model.config();
  constexpr int64_t kSequences = 5;
  std::vector<CpuCache> alone, shared;
  std::vector<int32_t> next;
  std::vector<float> expected;
  for (int64_t i = 0; i < kSequences; ++i) {
    const auto prompt = make_columns(config, 2 + i, static_cast<uint64_t>(i));
    const auto column = make_columns(config, 1, static_cast<uint64_t>(100 + i));
    alone.emplace_back(weights.slow, 10);
    together.append(prompt, alone.back());
    shared.push_back(alone.back());
    const auto hidden = together.append(column, alone.back());
    expected.insert(expected.end(), hidden.begin(), hidden.end());
    next.insert(next.end(), column.begin(), column.end());
  }
  std::vector<CpuCache*> caches;
  for (CpuCache& cache : shared) caches.push_back(&cache);
  const std::vector<float> hidden = together.step(next, caches);
  expect_near(to_tensor(hidden, kSequences), to_tensor(expected, kSequences), 1e-5);
  EXPECT_EQ(shared.front().filled, 3);
  // By fewer threads the same.
  together.use_cores(Cores::half);
  for (CpuCache& cache : shared) cache.filled -= 1;
  EXPECT_EQ(together.step(next, caches), hidden);
}

TEST_P(CpuRunnerTest, CachesGoFromOneToAnother) {
  const DualAr model = make_model(small_config());
  const CpuWeights weights = cpu_weights(model, {}, 2);
  CpuRunner own = runner(weights);
  CpuCache first(weights.slow, 10), copy(weights.slow, 10), restored(weights.slow, 10);
  own.append(make_columns(model.config(), 5, 1), first);
  copy.copy_from(first, 4);
  EXPECT_EQ(copy.filled, 0);
  const std::string bytes = first.bytes(4);
  EXPECT_FALSE(restored.set_bytes(bytes, 3));
  EXPECT_FALSE(restored.set_bytes(bytes.substr(1), 4));
  EXPECT_FALSE(restored.set_bytes(bytes, 11));
  ASSERT_TRUE(restored.set_bytes(bytes, 4));
  first.filled = copy.filled = restored.filled = 4;
  const auto next = make_columns(model.config(), 2, 2);
  const auto expected = own.append(next, first);
  EXPECT_EQ(own.append(next, copy), expected);
  EXPECT_EQ(own.append(next, restored), expected);
}

TEST_P(CpuRunnerTest, WrongColumnsAndFullCachesAreErrors) {
  const DualAr model = make_model(small_config());
  const CpuWeights weights = cpu_weights(model, {}, 2);
  CpuRunner small = runner(weights);
  CpuCache cache(weights.slow, 2);
  EXPECT_THROW(small.append(make_columns(model.config(), 3, 1), cache), Error);
  EXPECT_THROW(small.append(std::array{1, 2, 3}, cache), Error);
  EXPECT_THROW(small.append(std::array{50, 0, 0, 0}, cache), Error);
  EXPECT_THROW(small.append(std::array{1, 0, 20, 0}, cache), Error);
  CpuCache* const two[] = {&cache, &cache};
  EXPECT_THROW(small.step(std::array{1, 0, 0, 0}, two), Error);
  EXPECT_THROW(small.embed_codes(std::array{20}), Error);
  const std::vector<float> hidden(48);
  EXPECT_THROW(small.token_logits(hidden, std::array{int64_t{50}}), Error);
  EXPECT_EQ(cache.filled, 0);
}

INSTANTIATE_TEST_SUITE_P(All, CpuRunnerTest, testing::ValuesIn(kernels::usable_instructions()),
                         [](const auto& test) { return std::string(name_of(test.param)); });

}  // namespace
}  // namespace koi::lm
