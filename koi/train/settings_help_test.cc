#include "koi/train/settings_help.h"

#include <gmock/gmock.h>

#include <set>

#include "koi/config/compose.h"
#include "koi/config/interpolation.h"
#include "koi/train/settings.h"

namespace koi::train {
namespace {

config::Node compose(const std::vector<std::string>& overrides) {
  return config::compose("text2semantic_finetune", overrides).config;
}

const std::vector<std::string> kLora = {"+lora@model.model.lora_config=r_8_alpha_16"};

TEST(SettingsHelp, EveryKeyHasAMeaningAndAType) {
  for (const auto& overrides : {std::vector<std::string>{}, kLora}) {
    for (const SettingHelp& setting : describe_settings(compose(overrides))) {
      EXPECT_FALSE(setting.meaning.empty()) << setting.key;
      EXPECT_FALSE(setting.type.empty()) << setting.key;
      EXPECT_FALSE(setting.default_value.empty()) << setting.key;
    }
  }
}

// What training reads is described: under its own key, or under the one that it is taken from.
TEST(SettingsHelp, EveryKeyThatIsReadIsThere) {
  const config::Node config = compose(kLora);
  std::set<std::string> described;
  for (const SettingHelp& setting : describe_settings(config)) described.insert(setting.key);
  for (const std::string& key : read_settings(config::resolve(config)).asked) {
    std::string known = key;
    if (known.starts_with("data.val_dataset.") || known.starts_with("data.train_dataset."))
      known = "train_dataset" + known.substr(known.find('.', 5));
    if (config.find(known) != nullptr && config.find(known)->get<config::Map>() != nullptr)
      continue;
    if (known == "train_dataset.tokenizer.pretrained_model_name_or_path")
      known = "tokenizer.pretrained_model_name_or_path";
    EXPECT_TRUE(described.contains(known)) << key;
  }
}

TEST(SettingsHelp, SaysDefaultUnitAndType) {
  const std::string text = print_settings(describe_settings(compose({})));
  EXPECT_THAT(text,
              testing::HasSubstr("trainer.max_steps: integer, default 1000 (steps)\n    The "));
  EXPECT_THAT(text, testing::HasSubstr("model.optimizer.betas: list, default [0.9, 0.95]\n"));
  EXPECT_THAT(text, testing::HasSubstr("seed: integer, added with +\n"));
}

}  // namespace
}  // namespace koi::train
