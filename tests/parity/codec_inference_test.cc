// One file through the codec, as fish-speech v1.4.3's tools/vqgan/inference.py.
#include <sstream>

#include "koi/audio/audio_file.h"
#include "koi/base/error.h"
#include "koi/codec/convert.h"
#include "tests/support/codec_goldens.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> options_of(const nlohmann::json& run) {
  std::istringstream words(run["args"].get<std::string>());
  std::map<std::string, std::string> options;
  for (std::string flag, value; words >> flag >> value;) options[flag] = value;
  return options;
}

// Where a recorded run read its input: below codec/, or what an earlier run wrote.
fs::path input_of(const std::map<std::string, std::string>& options) {
  const std::string& name = options.at("-i");
  const fs::path recorded = golden("codec/vqgan_inference/" + name);
  return fs::exists(recorded) ? recorded : golden("codec/" + name);
}

// Floats within 1e-4 (3.3 steps of 16 bits) before floor quantisation: at most 4 steps, and 99 of
// 100 samples within one, as the decoder is far nearer than that nearly everywhere.
void expect_pcm(const fs::path& actual, const fs::path& recorded) {
  const auto ours = audio::read_audio<float>(actual);
  const auto theirs = audio::read_audio<float>(recorded);
  ASSERT_EQ(ours.samples.size(), theirs.samples.size());
  constexpr float kFullScale = 32768;
  size_t near = 0;
  for (size_t i = 0; i < ours.samples.size(); ++i) {
    const float steps = std::abs(ours.samples[i] - theirs.samples[i]) * kFullScale;
    ASSERT_LE(steps, 4.01) << "sample " << i;
    if (steps <= 1.01F) ++near;
  }
  EXPECT_GE(near * 100, ours.samples.size() * 99);
}

TEST(CodecInference, RecordedRuns) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/vqgan_inference/cases.json");
  const nlohmann::json cases = read_json(golden("codec/vqgan_inference/cases.json"));
  const TempDir folder;
  int runs = 0;
  for (const auto& [name, run] : cases.items()) {
    if (!run.contains("args")) continue;
    SCOPED_TRACE(name);
    ++runs;
    const auto options = options_of(run);
    const fs::path input = input_of(options);
    const fs::path output = folder / options.at("-o");
    if (run["exit"] != 0) {
      const fs::path any = fs::exists(input) ? input : codec_checkpoint();
      EXPECT_THROW(codec::convert_file(golden_codec(), any, output), Error);
      EXPECT_FALSE(fs::exists(output));
      continue;
    }
    const codec::Conversion done = codec::convert_file(golden_codec(), input, output);
    const fs::path recorded = golden("codec/vqgan_inference/" + options.at("-o"));
    expect_pcm(output, recorded);
    if (done.codes_file) {
      EXPECT_EQ(base::read_file(*done.codes_file),
                base::read_file(fs::path(recorded).replace_extension(".npy")));
    }
    const audio::AudioInfo info = audio::probe_audio(output);
    const nlohmann::json& format = cases["wav_format"];
    EXPECT_EQ(info.sample_rate_hz, format["samplerate"]);
    EXPECT_EQ(info.channels, format["channels"]);
    EXPECT_EQ(info.frames, format["frames"]);
    EXPECT_EQ(info.encoding, "Signed 16 bit PCM");
  }
  if (runs == 0) report_absent("codec/vqgan_inference: a run");
}

}  // namespace
}  // namespace koi::test
