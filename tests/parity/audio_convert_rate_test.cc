// `koi resample` against fish-audio-preprocess 0.2.8 (librosa 0.11, soxr 1.1 HQ) and its lengths
// (goldens/data/slice).
#include <cmath>

#include "koi/audio/length_folder.h"
#include "koi/audio/resample_folder.h"
#include "koi/checkpoint/elements.h"
#include "koi/checkpoint/npy.h"
#include "tests/support/goldens.h"
#include "tests/support/temp_dir.h"

namespace koi::audio {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::golden;

double rms(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

TEST(AudioConvertRateParity, FilesAreAsLongAndSoundAsTheReferences) {
  KOI_REQUIRE_GOLDEN("data/slice/cli.json");
  const json runs = test::read_json(golden("data/slice/cli.json"));
  for (const auto& part : test::find_parts(runs, R"(resample_(mono|stereo)_(\d+))")) {
    const test::TempDir dir;
    ResampleOptions options;
    options.mono = part.groups.at(0) == "mono";
    options.sample_rate_hz = std::stoi(part.groups.at(1));
    options.reference_bits = true;
    resample_folder(golden("data/slice/resample_in"), dir.path(), options);
    for (const json& file : runs.at(part.name).at("files")) {
      const fs::path path = dir / file.at(0).get<std::string>();
      const AudioInfo info = probe_audio(path);
      EXPECT_EQ(info.frames, file.at(1)) << path;
      EXPECT_EQ(info.sample_rate_hz, file.at(2)) << path;
      EXPECT_EQ(info.channels, file.at(3)) << path;
      EXPECT_EQ(info.format, reference_format(info.format)) << path;  // "PCM_16"
      auto recorded = checkpoint::to_doubles(checkpoint::read_npy(
          golden("data/slice/" + part.name + "_" + path.stem().string() + ".npy")));
      for (double& value : recorded) value /= 32768;
      std::vector<double> difference = read_audio<double>(path).samples;
      ASSERT_EQ(difference.size(), recorded.size()) << path;
      for (size_t i = 0; i < recorded.size(); ++i) difference[i] -= recorded[i];
      // The same library in another version, computing in float32 there: a step of 16 bits.
      EXPECT_LT(rms(difference), 1.0 / 32768 + 1e-4 * rms(recorded)) << path;
    }
  }
}

TEST(AudioConvertRateParity, LengthsAreTheReferences) {
  KOI_REQUIRE_GOLDEN("data/slice/cli.json");
  // Of its four recordings (in/spk) the clip is at hand.
  const LengthReport report = measure_lengths(golden("data/slice"), {.recursive = false});
  ASSERT_EQ(report.recordings.size(), 1U);
  EXPECT_EQ(report.recordings[0].path, "clip.flac");
  const json log = test::read_json(golden("data/slice/cli.json")).at("length").at("log");
  const bool listed = std::any_of(log.begin(), log.end(), [&](const json& line) {
    char text[64];
    std::snprintf(text, sizeof(text), "clip one.wav: %.2f", report.recordings[0].duration_s);
    return line.get<std::string>().find(text) != std::string::npos;
  });
  EXPECT_TRUE(listed) << report.recordings[0].duration_s;
}

}  // namespace
}  // namespace koi::audio
