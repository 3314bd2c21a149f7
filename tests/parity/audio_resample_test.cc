// Mono mix and resampling against fish-speech v1.4.3 with torchaudio 2.11.0 (goldens/codec: one
// thread, AVX2), and the 16-bit rule of the wavs it writes.
#include <cmath>
#include <cstring>

#include "koi/audio/resample.h"
#include "koi/checkpoint/npy.h"
#include "tests/support/goldens.h"
#include "tests/support/temp_dir.h"

namespace koi::audio {
namespace {

namespace fs = std::filesystem;
using test::golden;

// The order of summation: an own float32 kernel of the same order of operations is off by 1.4e-7,
// one in float64 by 1.6e-5.
constexpr float kTolerance = 2e-6F;

std::vector<float> read_floats(const fs::path& path) {
  const checkpoint::TensorView view = checkpoint::read_npy(path);
  EXPECT_EQ(view.dtype, checkpoint::DType::f32) << path;
  std::vector<float> values(static_cast<size_t>(view.numel()));
  std::memcpy(values.data(), view.bytes().data(), values.size() * sizeof(float));
  return values;
}

void expect_near(const std::vector<float>& ours, const std::vector<float>& reference,
                 const std::string& what) {
  ASSERT_EQ(ours.size(), reference.size()) << what;
  float worst = 0;
  for (size_t i = 0; i < ours.size(); ++i)
    worst = std::max(worst, std::abs(ours[i] - reference[i]));
  EXPECT_LE(worst, kTolerance) << what;
}

// The rate that the recordings were brought to: orig / new of facts.json is rate / this one.
int golden_rate_hz(const nlohmann::json& facts) {
  const auto& [rate, pair] = *facts.at("pairs").items().begin();
  return static_cast<int>(std::stoll(rate) * pair.at("new").get<int64_t>() /
                          pair.at("orig").get<int64_t>());
}

TEST(AudioResampleParity, EveryRateGivesTheReferencesSamples) {
  KOI_REQUIRE_GOLDEN("codec/resample/facts.json");
  const int to_hz = golden_rate_hz(test::read_json(golden("codec/resample/facts.json")));
  for (const auto& file : test::find_goldens("codec/resample", R"((\d+)_in\.npy)")) {
    const std::string& rate = file.groups.at(0);
    const std::string expected = "codec/resample/" + rate + "_out.npy";
    if (!test::have_golden(expected)) continue;
    expect_near(
        resample(read_floats(golden("codec/resample/" + file.name)), std::stoi(rate), to_hz),
        read_floats(golden(expected)), file.name);
  }
}

TEST(AudioResampleParity, LengthsFollowTheFloat32Ceil) {
  KOI_REQUIRE_GOLDEN("codec/resample/facts.json");
  const auto facts = test::read_json(golden("codec/resample/facts.json"));
  const int to_hz = golden_rate_hz(facts);
  for (const auto& row : facts.at("lengths")) {
    EXPECT_EQ(resampled_length(row.at("samples"), row.at("rate"), to_hz), row.at("out")) << row;
  }
  for (const auto& [rate, pair] : facts.at("pairs").items()) {
    if (!test::have_golden("codec/resample/" + rate + "_in.npy")) continue;
    const auto input = read_floats(golden("codec/resample/" + rate + "_in.npy"));
    EXPECT_EQ(resampled_length(static_cast<int64_t>(input.size()), std::stoi(rate), to_hz),
              pair.at("out_samples"))
        << rate;
  }
}

TEST(AudioResampleParity, WholeFilesGiveTheReferencesWave) {
  KOI_REQUIRE_GOLDEN("codec/audio");
  KOI_REQUIRE_GOLDEN("codec/resample/facts.json");
  const int to_hz = golden_rate_hz(test::read_json(golden("codec/resample/facts.json")));
  size_t cases = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(golden("codec/audio"))) {
    if (!fs::exists(entry.path() / "input.wav")) continue;
    expect_near(load_mono(entry.path() / "input.wav", to_hz),
                read_floats(entry.path() / "wav44k.npy"), entry.path().string());
    ++cases;
  }
  if (cases == 0) test::report_absent("codec/audio: an input.wav");
}

TEST(AudioResampleParity, LossyFilesDecodeAsTheReferencesDo) {
  KOI_REQUIRE_GOLDEN("codec/extract/data");
  KOI_REQUIRE_GOLDEN("codec/extract/decoded");
  size_t cases = 0;
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(golden("codec/extract/data"))) {
    fs::path decoded = golden("codec/extract/decoded") / entry.path().filename();
    decoded.replace_extension(".npy");
    const std::string extension = base::lower_extension(entry.path());
    if ((extension != ".mp3" && extension != ".ogg") || !fs::exists(decoded)) continue;
    const Audio<float> audio = read_audio<float>(entry.path());
    const auto channels = static_cast<size_t>(audio.channels);
    std::vector<float> planar;  // [C, N], as the golden
    for (size_t c = 0; c < channels; ++c) {
      for (size_t i = c; i < audio.samples.size(); i += channels)
        planar.push_back(audio.samples[i]);
    }
    // Decoders differ by 1e-6 between versions.
    expect_near(planar, read_floats(decoded), entry.path().string());
    ++cases;
  }
  if (cases == 0) test::report_absent("codec/extract/decoded: a file of the tree");
}

TEST(AudioWriteParity, FloatsBecome16BitsByTheReferencesRule) {
  KOI_REQUIRE_GOLDEN("codec/vqgan_inference/cases.json");
  const auto rule =
      test::read_json(golden("codec/vqgan_inference/cases.json")).at("float_to_pcm16");
  const auto floats = rule.at("float").get<std::vector<float>>();
  const auto pcm = rule.at("pcm").get<std::vector<int>>();
  ASSERT_EQ(floats.size(), pcm.size());
  for (size_t i = 0; i < floats.size(); ++i) EXPECT_EQ(to_pcm16(floats[i]), pcm[i]) << floats[i];
}

TEST(AudioWriteParity, AWavIsByteForByteTheReferences) {
  const test::TempDir dir;
  for (const auto& file : test::find_goldens("codec/vqgan_inference", R"(.+\.wav)")) {
    const fs::path theirs = golden("codec/vqgan_inference/" + file.name);
    const Audio<float> audio = read_audio<float>(theirs);
    write_wav_pcm16(dir / file.name, audio.samples, audio.sample_rate_hz);
    EXPECT_EQ(base::read_file(dir / file.name), base::read_file(theirs));
  }
}

}  // namespace
}  // namespace koi::audio
