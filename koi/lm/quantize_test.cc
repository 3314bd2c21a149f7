#include "koi/lm/quantize.h"

#include <gmock/gmock.h>

#include <cstring>
#include <limits>

#include "koi/checkpoint/safetensors.h"
#include "koi/lm/cpu_weights.h"
#include "tests/support/tiny_checkpoint.h"

namespace koi::lm {
namespace {

namespace fs = base::fs;
using checkpoint::DType;
using checkpoint::SafetensorsFile;
using checkpoint::TensorView;
using kernels::Format;
using kernels::Matrix;
using test::refusal;
using testing::HasSubstr;

constexpr CpuFormats kInt8{.slow = Format::int8, .fast = Format::int8};
constexpr CpuFormats kInt4{.slow = Format::int4, .fast = Format::int4};
constexpr CpuFormats kMixed{.slow = Format::int8, .fast = Format::int4};
constexpr CpuFormats kBf16{.slow = Format::bf16, .fast = Format::bf16};

void expect_same(const Matrix& a, const Matrix& b) {
  ASSERT_EQ(a.format, b.format);
  ASSERT_EQ(a.rows, b.rows);
  ASSERT_EQ(a.columns, b.columns);
  const auto same = [](const void* left, const void* right, int64_t bytes) {
    ASSERT_EQ(left == nullptr, right == nullptr);
    if (left == nullptr) return;
    EXPECT_EQ(std::memcmp(left, right, static_cast<size_t>(bytes)), 0);
  };
  const int64_t groups = a.format == Format::int4 ? kernels::blocks_of(a.columns) : 1;
  same(a.values, b.values, a.rows * a.row_bytes());
  same(a.scales, b.scales, a.rows * groups * 4);
  same(a.least, b.least, a.rows * groups * 4);
}

void expect_same(const CpuLinear& a, const CpuLinear& b) {
  expect_same(a.weight, b.weight);
  EXPECT_EQ(a.bias, b.bias);
}

void expect_same(const CpuPart& a, const CpuPart& b) {
  ASSERT_EQ(a.blocks.size(), b.blocks.size());
  for (size_t i = 0; i < a.blocks.size(); ++i) {
    const CpuBlock &x = a.blocks[i], &y = b.blocks[i];
    expect_same(x.wqkv, y.wqkv);
    expect_same(x.wo, y.wo);
    expect_same(x.w1, y.w1);
    expect_same(x.w2, y.w2);
    expect_same(x.w3, y.w3);
    EXPECT_EQ(x.attention_norm, y.attention_norm);
    EXPECT_EQ(x.ffn_norm, y.ffn_norm);
  }
  EXPECT_EQ(a.norm, b.norm);
  expect_same(a.output, b.output);
}

void expect_same(const CpuWeights& a, const CpuWeights& b) {
  expect_same(a.embeddings, b.embeddings);
  expect_same(a.codebook_embeddings, b.codebook_embeddings);
  expect_same(a.fast_embeddings, b.fast_embeddings);
  expect_same(a.slow, b.slow);
  expect_same(a.fast, b.fast);
  if (a.fast_project_in.weight.rows > 0) expect_same(a.fast_project_in, b.fast_project_in);
}

class Quantize : public testing::Test, protected test::TinyCheckpoint {
 protected:
  void quantize(const CpuFormats& formats, const std::vector<WeightedAdapter>& adapters = {}) {
    fs::remove_all(made_);
    quantize_checkpoint(
        {.base = base, .formats = formats, .adapters = adapters, .output = made_, .threads = 2});
  }

  // As koi say does it.
  static CpuWeights load(const fs::path& folder, const std::optional<CpuFormats>& formats = {},
                         const std::vector<WeightedAdapter>& adapters = {}) {
    DualAr model = load_model(folder, {.shapes_only = true});
    put_adapters(model, adapters, folder);
    return load_cpu_weights(folder, model, formats, 2);
  }

  // Biases of any value, for those of a fresh model are 0.
  void save_with_biases(at::ScalarType dtype) {
    DualAr model(config, 2);
    initialize(model, 1, dtype);
    model.visit([](const std::string& key, at::Tensor& parameter) {
      if (key.ends_with("bias")) parameter.normal_();
    });
    save_model(model, base);
  }

  // Changes the quantised file, then tries to load it.
  std::string damaged(const std::function<void(SafetensorsFile&)>& damage) {
    SafetensorsFile file = checkpoint::load_safetensors(made_ / "model.safetensors");
    damage(file);
    const fs::path copy = folder / "damaged";
    fs::remove_all(copy);
    fs::copy(made_, copy);
    checkpoint::save_safetensors(copy / "model.safetensors", file);
    return refusal([&] { load(copy); });
  }

  fs::path made_ = folder / "작게";
};

TensorView& tensor_of(SafetensorsFile& file, const std::string& key) {
  for (auto& [name, view] : file.tensors)
    if (name == key) return view;
  throw std::out_of_range(key);
}

// What a file of its own adds to the numbers: nothing.
TEST_F(Quantize, TheStoredWeightsAreThoseMadeAtLoad) {
  config.attention_qkv_bias = true;
  config.fast_dim = 4;
  config.fast_n_head = 2;
  config.intermediate_size = 140;  // a block and a part of one
  for (const bool tied : {false, true}) {
    config.tie_word_embeddings = tied;
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
      save_with_biases(dtype);
      for (const CpuFormats& formats : {kInt8, kInt4, kMixed, kBf16}) {
        SCOPED_TRACE(name_of(formats));
        quantize(formats);
        expect_same(load(made_), load(base, formats));
        expect_same(load(made_, formats), load(base, formats));
      }
    }
  }
}

TEST_F(Quantize, TheFullModelIsLoadedAsItIs) {
  const CpuWeights plain = load(base);
  EXPECT_EQ(plain.slow.blocks[0].w1.weight.format, Format::f32);
  expect_same(plain, cpu_weights(load_model(base, {}), {}, 1));
  save(at::kBFloat16);
  EXPECT_EQ(load(base).fast.output.weight.format, Format::bf16);
}

// Of tied embeddings the output layer is a copy, after which what was read is given back:
// embeddings of several pages are still there, whether the file was mapped or, a small one, read.
TEST_F(Quantize, TiedEmbeddingsStayWhereTheyAreReadTwice) {
  config.tie_word_embeddings = true;
  for (const int64_t words : {1000, 10000}) {
    config.vocab_size = words;
    save(at::kFloat);
    expect_same(load(base), cpu_weights(load_model(base, {}), {}, 1));
  }
}

TEST_F(Quantize, AdaptersAreMergedInFp32) {
  const LoraConfig lora{.r = 2};
  const std::vector<WeightedAdapter> adapters{
      {load_adapter(write_adapter("a.ckpt", lora), lora), 0.5},
      {load_adapter(write_adapter("b.ckpt", lora), lora), 2}};
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    save(dtype);
    quantize(kMixed, adapters);
    expect_same(load(made_), load(base, kMixed, adapters));
    // And those of the checkpoint that merge_lora() makes.
    DualAr merged = load_model(base, {});
    put_adapters(merged, adapters, base);
    merge_lora(merged);
    expect_same(load(made_).slow.blocks[0].wqkv,
                cpu_weights(merged, kMixed, 1).slow.blocks[0].wqkv);
  }
}

// On quantised weights an adapter acts as on floats of the same values.
TEST_F(Quantize, AdaptersOnQuantisedWeights) {
  const LoraConfig lora{.r = 2};
  const std::vector<WeightedAdapter> adapters{
      {load_adapter(write_adapter("a.ckpt", lora, info(lora))), 1}};
  quantize(kInt8);  // the adapter knows it by the hash of its base
  DualAr wide = load_model(made_, {.widen = true});
  put_adapters(wide, adapters, made_);
  const CpuWeights expected = cpu_weights(wide, kInt8, 1), found = load(made_, {}, adapters);
  expect_same(found, expected);
  EXPECT_NE(std::memcmp(found.slow.output.weight.values, load(made_).slow.output.weight.values, 8),
            0);
}

TEST_F(Quantize, AnAdapterOfAnotherBaseIsRefused) {
  const LoraConfig lora{.r = 2};
  const std::vector<WeightedAdapter> adapters{
      {load_adapter(write_adapter("a.ckpt", lora, info(lora))), 1}};
  const auto speak = [&] { return refusal([&] { load(made_, {}, adapters); }); };
  quantize(kInt8);
  EXPECT_EQ(speak(), "accepted");
  quantize(kInt8, adapters);  // no longer that base
  EXPECT_THAT(speak(), HasSubstr("was trained on another base"));
}

TEST_F(Quantize, TheFileSaysWhatItIs) {
  save(at::kBFloat16);
  for (const char* name : {kMergeOrigin, "notes.txt"}) base::write_file(base / name, "{}");
  quantize(kMixed);
  const SafetensorsFile file = checkpoint::load_safetensors(made_ / "model.safetensors");
  EXPECT_EQ(file.metadata.at("koi_weights"), "int8+int4");
  EXPECT_EQ(file.metadata.at("koi_base"), base.string());
  EXPECT_EQ(file.metadata.at("koi_base_hash"), identify_base(base, base).weights_hash);
  const auto type = [&](const char* key) { return checkpoint::find(file.tensors, key)->dtype; };
  EXPECT_EQ(type("layers.0.attention.wo.weight"), DType::i8);
  EXPECT_EQ(type("layers.0.attention.wo.scales"), DType::bf16);
  EXPECT_EQ(type("fast_layers.0.attention.wo.weight"), DType::u8);
  EXPECT_EQ(type("fast_layers.0.attention.wo.least"), DType::f32);
  EXPECT_EQ(type("embeddings.weight"), DType::bf16);
  EXPECT_TRUE(fs::exists(made_ / "tokenizer.json"));
  for (const char* name : {"model.pth", kMergeOrigin, "notes.txt"})
    EXPECT_FALSE(fs::exists(made_ / name)) << name;
}

// Rows of whole blocks are looked at in the mapped file.
TEST_F(Quantize, WholeBlocksAreNotCopied) {
  config.dim = 128;
  config.intermediate_size = 272;  // the scales between w1 and w3 fill no cache line
  save(at::kBFloat16);
  for (const CpuFormats& formats : {kInt8, kInt4, kBf16}) {
    quantize(formats);
    const WeightsFile file = read_weights(made_);
    for (const char* key : {"layers.0.feed_forward.w1.weight", "layers.0.feed_forward.w3.weight"}) {
      const Matrix matrix = stored_matrix(file, key, 128);
      EXPECT_EQ(matrix.values, checkpoint::find(file.tensors, key)->storage.data());
      EXPECT_EQ(reinterpret_cast<uintptr_t>(matrix.values) % 64, 0U);
    }
  }
}

TEST_F(Quantize, DamageIsNamed) {
  quantize(kInt8);
  const std::string key = "layers.0.attention.wo", weight = key + ".weight",
                    scales = key + ".scales";
  EXPECT_EQ(damaged([](SafetensorsFile&) {}), "accepted");
  const auto without = [&](const std::string& lost) {
    return damaged([&](SafetensorsFile& file) {
      std::erase_if(file.tensors, [&](const auto& entry) { return entry.first == lost; });
    });
  };
  EXPECT_THAT(without(scales), HasSubstr("model.safetensors: lacks the tensor " + scales));
  EXPECT_THAT(without(weight), HasSubstr("lacks the tensor " + weight));
  const auto with = [&](const std::string& name, const at::Tensor& values) {
    return damaged([&](SafetensorsFile& file) { tensor_of(file, name) = tensor::to_view(values); });
  };
  EXPECT_THAT(with(scales, at::ones({7}, at::kBFloat16)),
              HasSubstr(scales + " has the shape [7] instead of [8]"));
  EXPECT_THAT(with(scales, at::ones({8}, at::kInt)), HasSubstr(scales + " is I32"));
  EXPECT_THAT(with(scales, at::full({8}, std::numeric_limits<float>::quiet_NaN())),
              HasSubstr("no numbers"));
  EXPECT_THAT(with(scales, at::zeros({8})), HasSubstr("not above 0"));
  EXPECT_THAT(with(weight, at::ones({8, 9}, at::kChar)),
              HasSubstr(weight + " has the shape [8, 9] instead of [8, 8]"));
  EXPECT_THAT(with(weight, at::ones({8, 8})), HasSubstr(weight + " is F32, expected I8"));
  EXPECT_THAT(with("norm.weight", at::ones({8}, at::kChar)), HasSubstr("norm.weight is I8"));
  EXPECT_THAT(damaged([&](SafetensorsFile& file) {
                file.tensors.emplace_back("more.scales", tensor::to_view(at::ones({3})));
              }),
              HasSubstr("has the tensor more.scales, which is not expected"));
  quantize(kInt4);
  EXPECT_THAT(without(key + ".least"), HasSubstr("lacks the tensor " + key + ".least"));
  EXPECT_THAT(with(key + ".least", at::full({8, 1}, std::numeric_limits<float>::infinity())),
              HasSubstr("no numbers"));
  EXPECT_THAT(with(weight, at::ones({8, 63}, at::kByte)), HasSubstr("instead of [8, 64]"));
}

TEST_F(Quantize, TheBaseIsChecked) {
  const checkpoint::StateDict whole = checkpoint::load_state_dict(base / "model.pth");
  const auto refused = [&](const std::function<void(checkpoint::StateDict&)>& damage) {
    checkpoint::StateDict state = whole;
    damage(state);
    checkpoint::save_pth(base / "model.pth", checkpoint::from_state_dict(state));
    const std::string why = refusal([&] { quantize(kInt8); });
    EXPECT_FALSE(fs::exists(made_));
    return why;
  };
  EXPECT_THAT(refused([](auto& state) { state.pop_back(); }),
              HasSubstr("model.pth: lacks the tensor " + whole.back().first));
  EXPECT_THAT(
      refused([](auto& state) { state.emplace_back("more", tensor::to_view(at::ones({3}))); }),
      HasSubstr("has the tensor more, which is not expected"));
  EXPECT_THAT(refused([](auto& state) { state.back().second = tensor::to_view(at::ones({3})); }),
              HasSubstr("has the shape [3] instead of"));
}

// As a GPU does it.
TEST_F(Quantize, DamageIsNamedWhereFloatsAreMade) {
  quantize(kInt8);
  SafetensorsFile file = checkpoint::load_safetensors(made_ / "model.safetensors");
  tensor_of(file, "output.scales") = tensor::to_view(at::ones({7}, at::kBFloat16));
  checkpoint::save_safetensors(made_ / "model.safetensors", file);
  EXPECT_THAT(refusal([&] { load_model(made_, {.widen = true}); }),
              HasSubstr("output.scales has the shape [7] instead of [12]"));
}

// The reference's converter leaves them out.
TEST_F(Quantize, LostBiasesAreExplained) {
  config.attention_qkv_bias = true;
  save(at::kFloat);
  quantize(kInt8);
  EXPECT_THAT(damaged([](SafetensorsFile& file) {
                std::erase_if(file.tensors,
                              [](const auto& e) { return e.first.ends_with("bias"); });
              }),
              HasSubstr("the reference's converter drops biases"));
}

TEST_F(Quantize, QuantisedWeightsAreForSpeakingOnly) {
  quantize(kInt8);
  EXPECT_THAT(refusal([&] { load_model(made_, {}); }), HasSubstr("holds quantised weights"));
  EXPECT_THAT(refusal([&] { load(made_, kInt4); }),
              HasSubstr("holds int8 weights, of which int4 cannot be made"));
  EXPECT_THAT(refusal([&] { load(made_, CpuFormats{}); }), HasSubstr("of which fp32 cannot"));
  EXPECT_THAT(refusal([&] {
                quantize_checkpoint(
                    {.base = made_, .formats = kInt4, .adapters = {}, .output = folder / "again"});
              }),
              HasSubstr("holds quantised weights"));
  EXPECT_FALSE(fs::exists(folder / "again"));
}

TEST_F(Quantize, WeightsThatAreNoNumbersAreRefused) {
  DualAr model(config, 2);
  initialize(model, 1);
  model.layers[0].feed_forward.w2.weight[3][5] = std::numeric_limits<float>::quiet_NaN();
  save_model(model, base);
  for (const CpuFormats& formats : {kInt8, kInt4}) {
    EXPECT_THAT(refusal([&] { quantize(formats); }),
                HasSubstr("model.pth: layers.0.feed_forward.w2.weight: holds values that are no"));
    EXPECT_FALSE(fs::exists(made_));
  }
}

TEST_F(Quantize, WhatIsThereStays) {
  base::make_folder(made_);
  base::write_file(made_ / "mine.txt", "mine");
  EXPECT_THAT(
      refusal([&] {
        quantize_checkpoint({.base = base, .formats = kInt8, .adapters = {}, .output = made_});
      }),
      HasSubstr("is there already"));
  EXPECT_EQ(base::read_file(made_ / "mine.txt"), "mine");
}

}  // namespace
}  // namespace koi::lm
