// Encoding and decoding equal fish-speech v1.4.3 (recorded on a CPU in float32), stage by stage.
#include <algorithm>
#include <set>

#include "koi/audio/resample.h"
#include "tests/support/codec_goldens.h"

namespace koi::test {
namespace {

using codec::Encoded;
using codec::Firefly;
namespace fs = std::filesystem;

// Float32 sums in another order; the reference moves by as much between threads and kernels.
constexpr double kEncoder = 5e-4;
// The same, from the recorded mel spectrogram on.
constexpr double kEncoderFromMel = 1e-4;
// The reference alone moves by 7e-5 (float32 against float64, with and without oneDNN).
constexpr double kPrerounding = 3e-4;
// FFT noise counts where a mel band is near its floor.
constexpr double kMel = 5e-4;
constexpr double kMelMean = 1e-5;
// From equal codes; the reference moves by 2e-6 between batch sizes.
constexpr double kDecoder = 1e-4;
// Of the resampled waveform.
constexpr double kWave = 2e-6;

double tolerance_of(const std::string& stage) {
  if (stage == "mel") return kMel;
  if (stage == "fsq_prerounding") return kPrerounding;
  const bool decoded = stage == "zq" || stage == "upsampled" || stage.starts_with("head_");
  return decoded ? kDecoder : kEncoder;
}

void expect_mel(const at::Tensor& actual, const at::Tensor& recorded) {
  expect_near(actual, recorded, kMel, "mel");
  EXPECT_LE((actual.cpu() - recorded).abs().mean().item<double>(), kMelMean);
}

// The folders of audio/ with one recording each; "batch" is another thing.
std::vector<fs::path> recordings() {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(golden("codec/audio"))) {
    if (fs::exists(entry.path() / "wav44k.npy")) folders.push_back(entry.path());
  }
  if (folders.empty()) report_absent("codec/audio: a recording");
  std::sort(folders.begin(), folders.end());
  return folders;
}

// Every .npy of the folder that is no input and no result is a stage; all must have been seen.
void expect_stages(const Stages& stages, const fs::path& folder) {
  for (const std::string stage : {"mel", "encoder", "latent", "fsq_projected", "fsq_bound1",
                                  "fsq_prerounding", "zq", "upsampled"})
    have_golden(folder / (stage + ".npy"));
  const std::set<std::string> others = {"wav44k", "codes", "feature_lengths", "audio",
                                        "audio_lengths"};
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string stage = entry.path().stem().string();
    if (entry.path().extension() != ".npy" || others.contains(stage)) continue;
    const auto seen = stages.values.find(stage);
    ASSERT_NE(seen, stages.values.end()) << stage;
    expect_near(seen->second, read_tensor(entry.path()), tolerance_of(stage), stage);
  }
}

TEST(CodecAudio, EveryStageOfARecording) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/audio");
  const Firefly& model = golden_codec();
  for (const fs::path& folder : recordings()) {
    SCOPED_TRACE(folder.filename().string());
    const at::Tensor wave = read_tensor(folder / "wav44k.npy").unsqueeze(1);
    const at::Tensor recorded_codes = read_tensor(folder / "codes.npy");
    Stages stages;
    const Encoded encoded = model.encode(wave, {wave.size(2)}, stages.trace());
    expect_equal(encoded.codes, recorded_codes, "codes");
    EXPECT_EQ(encoded.feature_lengths, read_integers(folder / "feature_lengths.npy"));
    expect_mel(stages.values["mel"], read_tensor(folder / "mel.npy"));

    const int64_t columns = recorded_codes.size(2);
    const at::Tensor audio = model.decode(recorded_codes, {columns}, stages.trace());
    expect_near(audio, read_tensor(folder / "audio.npy"), kDecoder, "audio");
    EXPECT_EQ(read_integers(folder / "audio_lengths.npy"),
              std::vector{columns * model.config().samples_per_column()});
    expect_stages(stages, folder);
  }
}

TEST(CodecAudio, FromTheRecordedMel) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/audio");
  const Firefly& model = golden_codec();
  for (const fs::path& folder : recordings()) {
    SCOPED_TRACE(folder.filename().string());
    Stages stages;
    const at::Tensor features =
        model.backbone.forward(read_tensor(folder / "mel.npy").to(model.device()), stages.trace());
    expect_near(features, read_tensor(folder / "encoder.npy"), kEncoderFromMel, "encoder");
    model.quantizer.encode(features, stages.trace());
    expect_near(stages.values["latent"], read_tensor(folder / "latent.npy"), kEncoderFromMel,
                "latent");
    for (const auto& [stage, value] : stages.values) {
      if (stage.starts_with("backbone_") && fs::exists(folder / (stage + ".npy")))
        expect_near(value, read_tensor(folder / (stage + ".npy")), kEncoderFromMel, stage);
    }
  }
}

TEST(CodecAudio, FromTheFile) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/audio");
  const Firefly& model = golden_codec();
  for (const fs::path& folder : recordings()) {
    SCOPED_TRACE(folder.filename().string());
    std::vector<float> samples = audio::load_mono(
        folder / "input.wav", static_cast<int>(model.config().spec_transform.sample_rate));
    const auto count = static_cast<int64_t>(samples.size());
    const at::Tensor wave = at::from_blob(samples.data(), {1, 1, count}, at::kFloat);
    expect_near(wave[0], read_tensor(folder / "wav44k.npy"), kWave, "wave");
    expect_equal(model.encode(wave, {count}).codes, read_tensor(folder / "codes.npy"), "codes");
  }
}

TEST(CodecAudio, ZeroPaddedBatch) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/audio/batch");
  KOI_REQUIRE_GOLDEN("codec/audio/facts.json");
  const Firefly& model = golden_codec();
  const nlohmann::json facts = read_json(golden("codec/audio/facts.json"));
  std::vector<at::Tensor> waves;
  std::vector<int64_t> lengths;
  int64_t longest = 0;
  for (const auto& name : facts["batch"]["order"]) {
    waves.push_back(read_tensor(golden("codec/audio/" + name.get<std::string>() + "/wav44k.npy")));
    lengths.push_back(waves.back().size(1));
    longest = std::max(longest, lengths.back());
  }
  for (at::Tensor& wave : waves) wave = at::constant_pad_nd(wave, {0, longest - wave.size(1)});
  Stages stages;
  const Encoded encoded = model.encode(at::stack(waves), lengths, stages.trace());
  const fs::path folder = golden("codec/audio/batch");
  expect_mel(stages.values["mel"], read_tensor(folder / "mel.npy"));
  for (const std::string stage : {"encoder", "latent", "fsq_prerounding"})
    expect_near(stages.values[stage], read_tensor(folder / (stage + ".npy")), tolerance_of(stage),
                stage);
  expect_equal(encoded.codes, read_tensor(folder / "codes.npy"), "codes");
  EXPECT_EQ(encoded.feature_lengths, read_integers(folder / "feature_lengths.npy"));
  EXPECT_EQ(lengths.size(), read_integers(folder / "audio_lengths.npy").size());
}

TEST(CodecAudio, DecodesAPaddedBatch) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/audio/batch");
  KOI_REQUIRE_GOLDEN("codec/audio/facts.json");
  const Firefly& model = golden_codec();
  const fs::path folder = golden("codec/audio/batch");
  const auto lengths = read_integers(folder / "decode_feature_lengths.npy");
  const at::Tensor codes = read_tensor(folder / "decode_codes.npy");
  const at::Tensor audio = model.decode(codes, lengths);

  const at::Tensor recorded = read_tensor(folder / "decode_audio_short.npy");
  expect_near(audio[0].reshape(recorded.sizes()), recorded, kDecoder, "the short row");
  const nlohmann::json facts = read_json(golden("codec/audio/facts.json"));
  EXPECT_EQ(facts["decode_batch"]["lengths"].get<std::vector<int64_t>>(), lengths);
  for (int64_t row = 0; row < codes.size(0); ++row) {
    const int64_t columns = lengths[static_cast<size_t>(row)];
    const int64_t end = columns * model.config().samples_per_column();
    EXPECT_EQ(facts["decode_batch"]["audio_lengths"][static_cast<size_t>(row)], end);
    EXPECT_EQ(at::count_nonzero(audio[row].slice(1, end)).item<int64_t>(), 0) << "tail " << row;
    const at::Tensor alone =
        model.decode(codes.slice(0, row, row + 1).slice(2, 0, columns), {columns});
    expect_near(audio[row].slice(1, 0, end), alone[0], kDecoder, "row " + std::to_string(row));
  }
}

}  // namespace
}  // namespace koi::test
