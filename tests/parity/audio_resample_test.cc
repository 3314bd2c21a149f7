// Mono mix and resampling against fish-speech v1.4.3 with torchaudio 2.11.0 (goldens/codec: one
// thread, AVX2), and the 16-bit rule of the wavs it writes.
#include <cmath>
#include <cstring>
#include <regex>

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

TEST(AudioResampleParity, EveryRateGivesTheReferencesSamples) {
  KOI_REQUIRE_GOLDEN("codec/resample");
  const std::regex kInput("([0-9]+)_in\\.npy");
  size_t cases = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(golden("codec/resample"))) {
    const std::string name = entry.path().filename().string();
    std::smatch match;
    if (!std::regex_match(name, match, kInput)) continue;
    const std::string rate = match[1];
    expect_near(resample(read_floats(entry.path()), std::stoi(rate), 44100),
                read_floats(golden("codec/resample/" + rate + "_out.npy")), name);
    ++cases;
  }
  EXPECT_GT(cases, 0U);
}

TEST(AudioResampleParity, LengthsFollowTheFloat32Ceil) {
  KOI_REQUIRE_GOLDEN("codec/resample/facts.json");
  const auto facts = test::read_json(golden("codec/resample/facts.json"));
  for (const auto& row : facts.at("lengths")) {
    EXPECT_EQ(resampled_length(row.at("samples"), row.at("rate"), 44100), row.at("out")) << row;
  }
  for (const auto& [rate, pair] : facts.at("pairs").items()) {
    const auto input = read_floats(golden("codec/resample/" + rate + "_in.npy"));
    EXPECT_EQ(resampled_length(static_cast<int64_t>(input.size()), std::stoi(rate), 44100),
              pair.at("out_samples"))
        << rate;
  }
}

TEST(AudioResampleParity, WholeFilesGiveTheReferencesWave) {
  KOI_REQUIRE_GOLDEN("codec/audio");
  size_t cases = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(golden("codec/audio"))) {
    if (!fs::exists(entry.path() / "input.wav")) continue;
    expect_near(load_mono(entry.path() / "input.wav", 44100),
                read_floats(entry.path() / "wav44k.npy"), entry.path().string());
    ++cases;
  }
  EXPECT_GT(cases, 0U);
}

TEST(AudioResampleParity, LossyFilesDecodeAsTheReferencesDo) {
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
  EXPECT_GT(cases, 0U);
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
  KOI_REQUIRE_GOLDEN("codec/vqgan_inference/from_npy.wav");
  const fs::path theirs = golden("codec/vqgan_inference/from_npy.wav");
  const Audio<float> audio = read_audio<float>(theirs);
  const test::TempDir dir;
  write_wav_pcm16(dir / "ours.wav", audio.samples, audio.sample_rate_hz);
  EXPECT_EQ(base::read_file(dir / "ours.wav"), base::read_file(theirs));
}

}  // namespace
}  // namespace koi::audio
