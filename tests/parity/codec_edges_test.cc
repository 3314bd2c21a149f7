// Lengths, quantiser constants and odd codes, as fish-speech v1.4.3 has them.
#include "koi/base/error.h"
#include "tests/support/codec_goldens.h"

namespace koi::test {
namespace {

using codec::Firefly;
using codec::Fsq;

// A few roundings of float32 in numbers up to 4: tanh, a product, a sum.
constexpr double kFewRoundings = 2e-6;
// One product and one sum over few numbers of about 1.
constexpr double kProjection = 1e-5;

TEST(CodecEdges, Lengths) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/edges/wave.npy");
  KOI_REQUIRE_GOLDEN("codec/edges/lengths.json");
  const Firefly& model = golden_codec();
  const at::Tensor wave = read_tensor(golden("codec/edges/wave.npy")).reshape({1, 1, -1});
  const nlohmann::json lengths = read_json(golden("codec/edges/lengths.json"));
  ASSERT_FALSE(lengths["ok"].empty());
  for (const auto& expected : lengths["ok"]) {
    const auto samples = expected["samples"].get<int64_t>();
    SCOPED_TRACE(samples);
    Stages stages;
    const auto encoded = model.encode(wave.narrow(2, 0, samples), {samples}, stages.trace());
    EXPECT_EQ(stages.values["mel"].size(2), expected["mel_frames"]);
    EXPECT_EQ(encoded.codes.size(2), expected["columns"]);
    EXPECT_EQ(model.columns(samples), expected["columns"]);
    EXPECT_EQ(encoded.feature_lengths[0], expected["feature_length"]);
    EXPECT_EQ(encoded.codes.size(2) * model.config().samples_per_column(),
              expected["decoded_samples"]);
    if (expected["codes"].is_null()) continue;
    const auto rows = expected["codes"].get<std::vector<std::vector<int64_t>>>();
    for (size_t k = 0; k < rows.size(); ++k)
      expect_equal(encoded.codes[0][static_cast<int64_t>(k)], at::tensor(rows[k]),
                   "row " + std::to_string(k));
    EXPECT_EQ(static_cast<int64_t>(rows.size()), encoded.codes.size(1));
  }
  ASSERT_FALSE(lengths["errors"].empty());
  for (const auto& [samples, unused] : lengths["errors"].items()) {
    const int64_t count = std::stoll(samples);
    EXPECT_THROW(model.encode(wave.narrow(2, 0, count), {count}), Error) << count;
    EXPECT_LT(count, model.shortest_input());
  }
}

TEST(CodecEdges, CodebookOfFsq) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/edges/implicit_codebook.npy");
  const Fsq& fsq = golden_codec().quantizer.fsq();
  const at::Tensor all = at::arange(fsq.size());
  const at::Tensor recorded = read_tensor(golden("codec/edges/implicit_codebook.npy"));
  expect_near(fsq.dequantise(all), recorded, 0, "levels");
  expect_equal(fsq.codes(recorded), all, "codes");
}

TEST(CodecEdges, RampThroughFsq) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/edges/fsq_ramp_in.npy");
  const Fsq& fsq = golden_codec().quantizer.fsq();
  const auto ramp = [](const std::string& name) {
    return read_tensor(golden("codec/edges/fsq_ramp_" + name + ".npy"));
  };
  expect_near(fsq.bound(ramp("in")), ramp("bound1"), kFewRoundings, "first bound");
  expect_near(fsq.bound(ramp("bound1")), ramp("prerounding"), kFewRoundings, "second bound");
  expect_near(fsq.round_levels(ramp("prerounding")), ramp("quantised"), 0, "rounding");
  expect_equal(fsq.codes(ramp("quantised")), ramp("codes"), "codes");
}

TEST(CodecEdges, DequantisedGroups) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/edges");
  const Firefly& model = golden_codec();
  const codec::QuantizerConfig& config = model.config().quantizer;
  const int64_t size = model.config().codebook_size();
  const int64_t width = config.input_dim / config.n_groups;
  Stages stages;
  const at::Tensor codes = at::arange(size).expand({1, model.config().codebooks(), size});
  model.quantizer.decode(codes.to(model.device()), stages.trace());
  const at::Tensor zq = stages.values["zq"];  // [1, D, size]
  for (const NamedPart& file :
       find_goldens("codec/edges", R"(dequantised_group(\d+)_group(\d+)\.npy)")) {
    const at::Tensor recorded = read_tensor("codec/edges/" + file.name);  // [2, size, D / groups]
    for (int64_t i = 0; i < 2; ++i) {
      const int64_t group = std::stoll(file.groups.at(static_cast<size_t>(i)));
      expect_near(zq[0].narrow(0, group * width, width).t(), recorded[i], kProjection, file.name);
    }
  }
}

// Differs: the reference takes negative codes for places from the end of the codebook.
TEST(CodecEdges, CodesOutOfRangeAreErrors) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/edges/out_of_range_codes.json");
  const Firefly& model = golden_codec();
  const int64_t rows = model.config().codebooks();
  const nlohmann::json cases = read_json(golden("codec/edges/out_of_range_codes.json"));
  ASSERT_FALSE(cases.empty());
  for (const auto& [code, unused] : cases.items()) {
    const at::Tensor codes = at::zeros({1, rows, 2}, at::kLong);
    codes[0][0][1] = static_cast<int64_t>(std::stoll(code));
    EXPECT_THROW(model.decode(codes, {2}), Error) << code;
    EXPECT_NO_THROW(model.decode(codes, {1})) << "behind the row's end: " << code;
  }
}

}  // namespace
}  // namespace koi::test
