#include "koi/train/settings.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/config/compose.h"
#include "koi/config/interpolation.h"
#include "koi/train/run_folder.h"
#include "tests/support/temp_dir.h"

namespace koi::train {
namespace {

using testing::HasSubstr;

Settings settings_of(const std::vector<std::string>& overrides) {
  return read_settings(config::resolve(config::compose("text2semantic_finetune", overrides).config))
      .settings;
}

std::string error_of(const std::vector<std::string>& overrides) {
  try {
    settings_of(overrides);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Settings, TheReferencesCommandLine) {
  const Settings settings =
      settings_of({"project=my voice", "+lora@model.model.lora_config=r_8_alpha_16"});
  EXPECT_EQ(settings.run_folder, "results/my voice");
  EXPECT_EQ(settings.checkpoint_folder, "results/my voice/checkpoints");
  EXPECT_EQ(settings.base_model, "checkpoints/fish-speech-1.4");
  ASSERT_TRUE(settings.lora.has_value());
  EXPECT_EQ(settings.lora->r, 8);
  EXPECT_EQ(settings.lora->alpha, 16);
  EXPECT_EQ(settings.lora->dropout, 0.01);
  EXPECT_THAT(settings.lora->targets, testing::ElementsAre("all"));
  EXPECT_FALSE(settings.lora->use_rslora);
  EXPECT_EQ(settings.optimizer.lr, 1e-4);
  EXPECT_EQ(settings.schedule.warmup_steps, 10);
  EXPECT_EQ(settings.max_steps, 1000);
  EXPECT_EQ(settings.save_interval, 100);
  EXPECT_EQ(settings.clip_norm, 1.0);
  EXPECT_THAT(settings.train_data.datasets[0].proto_files, testing::ElementsAre("data/protos"));
  EXPECT_FALSE(settings_of({}).lora.has_value());
}

TEST(Settings, AConfigurationOfTheReferencesNeedsNoKeyOfKois) {
  const Settings settings =
      settings_of({"~model.recompute", "~model.base_weights", "~trainer.val_before_train",
                   "~trainer.samples", "~trainer.timeout_s", "~trainer.loss_reduction",
                   "~trainer.early_stopping", "~data.held_out", "~data.sampler"});
  EXPECT_EQ(settings.recompute, Recompute::automatic);
  EXPECT_EQ(settings.base_weights, BaseWeights::full);
  EXPECT_FALSE(settings.val_before_train);
  EXPECT_TRUE(settings.samples.speak);
  EXPECT_EQ(settings.held_out.share, 0.05);
  EXPECT_FALSE(settings.reference_sampling);
}

TEST(Settings, PartsToAdapt) {
  const std::string group = "+lora@model.model.lora_config=r_8_alpha_16";
  const std::string key = "model.model.lora_config.";
  const Settings settings = settings_of(
      {group, key + "targets=[attention,'layers.*.w1']", key + "use_rslora=true", key + "r=32"});
  EXPECT_THAT(settings.lora->targets, testing::ElementsAre("attention", "layers.*.w1"));
  EXPECT_TRUE(settings.lora->use_rslora);
  EXPECT_EQ(settings.lora->r, 32);
  EXPECT_THAT(settings_of({group, key + "targets=fast"}).lora->targets,
              testing::ElementsAre("fast"));
  EXPECT_THAT(error_of({group, key + "target=fast"}), HasSubstr("did you mean"));
  EXPECT_EQ(settings_of({group, "model.base_weights=int8"}).base_weights, BaseWeights::int8);
}

TEST(Settings, OverridesReachTheirPlace) {
  const Settings settings =
      settings_of({"max_length=64", "trainer.max_steps=1e3", "trainer.val_check_interval=7",
                   "train_dataset.use_speaker=0.5", "train_dataset.proto_files=one", "+seed=9",
                   "trainer.precision=32", "trainer.accelerator=cpu", "model.recompute=false",
                   "trainer.gradient_clip_val=null", "callbacks.grad_norm_monitor.norm_type=inf",
                   "callbacks=null", "paths.ckpt_dir=elsewhere", "+ckpt_path=a.ckpt",
                   "trainer.loss_reduction=reference"});
  EXPECT_EQ(settings.max_length, 64);
  EXPECT_EQ(settings.train_data.datasets[0].max_length, 64);
  EXPECT_EQ(settings.max_steps, 1000);
  EXPECT_EQ(settings.save_interval, 7);
  EXPECT_EQ(std::get<double>(settings.train_data.datasets[0].use_speaker), 0.5);
  EXPECT_THAT(settings.train_data.datasets[0].proto_files, testing::ElementsAre("one"));
  EXPECT_EQ(settings.seed, 9u);
  EXPECT_EQ(settings.precision, Precision::float32);
  for (const char* name : {"bf16-mixed", "bf16"})
    EXPECT_EQ(settings_of({std::string("trainer.precision=") + name}).precision, Precision::mixed);
  EXPECT_EQ(settings.accelerator, Accelerator::cpu);
  EXPECT_EQ(settings.recompute, Recompute::never);
  EXPECT_EQ(settings.clip_norm, 0);
  EXPECT_EQ(settings.loss_reduction, LossReduction::reference);
  EXPECT_EQ(settings.checkpoint_folder, "elsewhere");
  EXPECT_EQ(settings.resume_from, "a.ckpt");
}

TEST(Settings, SeveralDatasets) {
  const std::string part =
      "{proto_files:[one],max_length:30,causal:true,use_speaker:true,"
      "interactive_prob:0.5";
  const std::vector<std::string> overrides = {
      "+train_dataset.datasets=[" + part + "}," + part + ",seed:7,skip_text_prob:0.25}]",
      "+train_dataset.seed=3"};
  EXPECT_THAT(error_of(overrides), HasSubstr("data.train_dataset.probabilities"));
  EXPECT_THAT(error_of({overrides[0], "+train_dataset.probabilities=[1]"}),
              HasSubstr("one for each of the 2 datasets"));
  const Settings settings =
      settings_of({overrides[0], overrides[1], "+train_dataset.probabilities=[0.25,1]"});
  const MixtureSettings& data = settings.train_data;
  ASSERT_EQ(data.datasets.size(), 2u);
  EXPECT_THAT(data.probabilities, testing::ElementsAre(0.25, 1));
  EXPECT_EQ(data.seed, 3u);
  EXPECT_EQ(data.datasets[0].seed, 42u);
  EXPECT_EQ(data.datasets[1].seed, 7u);
  EXPECT_EQ(data.datasets[1].skip_text_prob, 0.25);
  EXPECT_EQ(data.datasets[1].max_length, 30);
  EXPECT_EQ(settings.val_data.datasets.size(), 1u);
}

TEST(Settings, OfAModelFromNothing) {
  EXPECT_FALSE(settings_of({}).train_data.datasets[0].alignment);
  EXPECT_EQ(settings_of({}).fast_frames, 1);
  const Settings settings = settings_of({"model.alignment_loss=0.5", "model.fast_frames=0.25"});
  EXPECT_TRUE(settings.train_data.datasets[0].alignment);
  EXPECT_EQ(settings.alignment_weight, 0.5);
  EXPECT_EQ(settings.fast_frames, 0.25);
  EXPECT_THAT(error_of({"model.alignment_loss=1", "data.sampler=reference"}),
              HasSubstr("model.alignment_loss: data.sampler=reference knows no alignment"));
}

TEST(Settings, OfLittleData) {
  EXPECT_EQ(settings_of({}).code_noise, 0);
  EXPECT_TRUE(settings_of({}).train_data.datasets[0].learn_texts);
  const Settings settings = settings_of({"model.code_noise=0.1", "+train_dataset.learn_texts=false",
                                         "+val_dataset.learn_texts=false"});
  EXPECT_EQ(settings.code_noise, 0.1);
  EXPECT_FALSE(settings.train_data.datasets[0].learn_texts);
  EXPECT_FALSE(settings.val_data.datasets[0].learn_texts);
}

TEST(Settings, SentencesOfASample) {
  EXPECT_EQ(settings_of({}).train_data.datasets[0].max_sentences, 0);
  const std::string one = "+train_dataset.max_sentences=1";
  EXPECT_EQ(settings_of({one}).train_data.datasets[0].max_sentences, 1);
  EXPECT_THAT(error_of({one, "data.sampler=reference"}),
              HasSubstr("data.train_dataset.max_sentences: data.sampler=reference takes"));
}

TEST(Settings, SamplesWithoutTexts) {
  EXPECT_EQ(settings_of({}).train_data.datasets[0].text_dropout, 0);
  const std::string some = "+train_dataset.text_dropout=0.1";
  EXPECT_EQ(settings_of({some}).train_data.datasets[0].text_dropout, 0.1);
  EXPECT_EQ(settings_of({some}).val_data.datasets[0].text_dropout, 0);
  EXPECT_THAT(error_of({some, "data.sampler=reference"}),
              HasSubstr("data.train_dataset.text_dropout: data.sampler=reference leaves"));
}

TEST(Settings, ImpossibleValuesNameTheirKey) {
  const std::map<std::string, std::string> cases{
      {"trainer.max_steps=ten", "trainer.max_steps: expected an integer, found string ten"},
      {"trainer.max_steps=0", "trainer.max_steps"},
      {"trainer.limit_val_batches=0.25", "trainer.limit_val_batches"},
      {"trainer.precision=16-mixed", "trainer.precision"},
      {"trainer.accelerator=tpu", "trainer.accelerator"},
      {"trainer.loss_reduction=mean", "trainer.loss_reduction"},
      {"trainer.devices=[0,1]", "trainer.devices"},
      {"trainer.gradient_clip_algorithm=value", "trainer.gradient_clip_algorithm"},
      {"trainer.check_val_every_n_epoch=1", "trainer.check_val_every_n_epoch"},
      {"trainer.accumulate_grad_batches=0", "trainer.accumulate_grad_batches"},
      {"model.optimizer._target_=torch.optim.SGD", "model.optimizer._target_"},
      {"model.optimizer.betas=[0.9]", "model.optimizer.betas"},
      {"model.optimizer.betas=[0.9,1]", "model.optimizer.betas"},
      {"model.optimizer.lr=-inf", "model.optimizer.lr"},
      {"model.lr_scheduler.lr_lambda.num_warmup_steps=0.1", "num_training_steps"},
      {"model.lr_scheduler.lr_lambda._target_=x", "model.lr_scheduler.lr_lambda._target_"},
      {"callbacks.model_checkpoint.save_top_k=0", "save_top_k"},
      {"callbacks.model_checkpoint.monitor=val_loss", "callbacks.model_checkpoint"},
      {"callbacks.model_checkpoint.filename=x", "callbacks.model_checkpoint.filename"},
      {"data.batch_size=0", "data.batch_size"},
      {"data.sampler=none", "data.sampler"},
      {"model.alignment_loss=-1", "model.alignment_loss"},
      {"model.code_noise=0.6", "model.code_noise: must be 0 (none) to 0.5"},
      {"model.fast_frames=0", "model.fast_frames: must be 0.01 to 1"},
      {"model.fast_frames=2", "model.fast_frames"},
      {"+train_dataset.max_sentences=-1", "data.train_dataset.max_sentences: must be 1 or more"},
      {"+train_dataset.text_dropout=1", "data.train_dataset.text_dropout: must be 0 (none)"},
      {"data.train_dataset=null", "data.train_dataset.proto_files"},
      {"+train_dataset.seed=-1", "data.train_dataset.seed"},
      {"+train_dataset.datasets=[]", "data.train_dataset.datasets: a list of datasets"},
      {"+train_dataset.datasets=3", "data.train_dataset.datasets: a list of datasets"},
      {"+train_dataset.datasets=[{}]", "data.train_dataset.datasets.0.proto_files"},
      {"train_dataset.use_speaker=yes", "use_speaker"},
      {"model.recompute=sometimes", "model.recompute"},
      {"model.base_weights=int4", "model.base_weights: must be full or int8, found int4"},
      {"model.base_weights=int8", "model.base_weights: int8 is for a base that stays as it is"},
      {"max_length=5", "model.model.max_length"},
      {"data.max_length=9999", "data.max_length"},
      {"+seed=-1", "seed"},
      {"train=false", "train"},
      {"~trainer.max_steps", "trainer.max_steps"}};
  for (const auto& [override, key] : cases) {
    EXPECT_THAT(error_of({override}), HasSubstr(key)) << override;
  }
}

TEST(Settings, TheLoggerIsTensorBoardOrNone) {
  EXPECT_EQ(settings_of({"project=x"}).tensorboard_folder, "results/x/tensorboard/");
  EXPECT_EQ(settings_of({"logger.tensorboard.save_dir=events"}).tensorboard_folder, "events");
  for (const char* none : {"logger=null", "~logger", "logger.tensorboard=null"})
    EXPECT_FALSE(settings_of({none}).tensorboard_folder) << none;
  EXPECT_THAT(error_of({"logger.tensorboard._target_=x"}),
              HasSubstr("logger.tensorboard._target_"));
}

TEST(RunFolder, SaysHowTheRunWasStarted) {
  const test::TempDir folder;
  const std::vector<std::string> overrides{"project=x"};
  write_hydra_files(folder.path(), config::compose("text2semantic_finetune", overrides),
                    "text2semantic_finetune", overrides);
  EXPECT_EQ(base::read_file(folder / ".hydra/overrides.yaml"), "- project=x\n");
  EXPECT_THAT(base::read_file(folder / ".hydra/config.yaml"),
              HasSubstr("run_dir: results/${project}\n"));
  EXPECT_THAT(base::read_file(folder / ".hydra/hydra.yaml"), HasSubstr("dir: ${paths.run_dir}\n"));
}

}  // namespace
}  // namespace koi::train
