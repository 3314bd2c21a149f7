#include "koi/codec_train/settings.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/codec/firefly.h"
#include "koi/config/compose.h"
#include "koi/config/interpolation.h"

namespace koi::codec_train {
namespace {

Settings read(const std::string& name, const std::vector<std::string>& more) {
  std::vector<std::string> words{"data.recordings=somewhere"};
  words.insert(words.end(), more.begin(), more.end());
  return read_settings(config::resolve(config::compose(name, words).config)).settings;
}

std::string error(const std::vector<std::string>& words) {
  try {
    read("codec_train", words);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(CodecTrainSettings, BuiltInOnesAreOfThePublishedSize) {
  const Settings settings = read("codec_train", {"project=x"});
  EXPECT_EQ(codec::config_yaml(settings.codec), codec::config_yaml(codec::full_size_config()));
  EXPECT_EQ(settings.run_folder, "results/x");
  EXPECT_EQ(settings.checkpoint_folder, "results/x/checkpoints");
  EXPECT_FALSE(settings.begin_with);
  EXPECT_FALSE(settings.data.exclude);
  EXPECT_EQ(settings.mel_band_hz, 0);
  EXPECT_EQ(settings.max_minutes, 0);
  EXPECT_EQ(settings.stft_sizes.size(), 3U);
}

TEST(CodecTrainSettings, TheTinyCodecHasAMillionValuesAndNearlyThePublishedRate) {
  const Settings settings = read("codec_tiny", {});
  // 48 ms a code; the published codec has 46.4.
  EXPECT_EQ(settings.codec.samples_per_column() * 1000,
            settings.codec.spec_transform.sample_rate * 48);
  EXPECT_EQ(settings.codec.codebook_size(), 1000);
  codec::Firefly model(settings.codec);
  int64_t values = 0;
  model.visit([&](const std::string&, at::Tensor& value) { values += value.numel(); });
  EXPECT_GT(values, 1'000'000);
  EXPECT_LT(values, 1'150'000);
}

TEST(CodecTrainSettings, ImpossibleOnesNameTheirKey) {
  EXPECT_THAT(error({"data.recordings=null"}), testing::HasSubstr("data.recordings=FOLDER"));
  EXPECT_THAT(error({"stages.generator.columns=0"}),
              testing::StartsWith("stages.generator.columns"));
  EXPECT_THAT(error({"stages.generator.batch_size=5000"}), testing::HasSubstr("1 to 4096"));
  EXPECT_THAT(error({"stages.encoder.columns=4096", "stages.encoder.batch_size=4096"}),
              testing::HasSubstr("more than 2^28 samples"));
  EXPECT_THAT(error({"loss.stft_windows=[65536]"}),
              testing::HasSubstr("the longest window or period has 65536"));
  EXPECT_THAT(error({"discriminators.periods=[2,4096]", "stages.adversarial.columns=1"}),
              testing::HasSubstr("the longest window or period has 4096"));
  EXPECT_THAT(error({"stages.encoder.columns=1", "stages.encoder.batch_size=1"}),
              testing::StartsWith("stages.encoder.batch_size"));
  EXPECT_EQ(error({"stages.encoder.columns=1", "stages.encoder.batch_size=2"}), "none");
  EXPECT_THAT(error({"loss.stft_windows=[512.5]"}), testing::StartsWith("loss.stft_windows"));
  EXPECT_THAT(error({"optimizer.betas=[0.9]"}), testing::StartsWith("optimizer.betas"));
  EXPECT_THAT(error({"codec_dtype=int8"}), testing::StartsWith("codec_dtype"));
  EXPECT_THAT(error({"seed=-1"}), testing::StartsWith("seed"));
  EXPECT_THAT(error({"codec.head.num_mels=7"}), testing::HasSubstr("head.num_mels is 7"));
  EXPECT_THAT(
      error({"stages.encoder.steps=0", "stages.generator.steps=0", "stages.adversarial.steps=0"}),
      testing::HasSubstr("at least one stage"));
}

}  // namespace
}  // namespace koi::codec_train
