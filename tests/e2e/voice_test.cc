// Four minutes of real recordings (scripts/demo_data.py), 200 steps of training: the loss on
// sentences that never enter training goes down.
#include <gmock/gmock.h>

#include <map>

#include "koi/audio/audio_file.h"
#include "koi/base/files.h"
#include "tests/support/metrics_rows.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_codec.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using Words = std::vector<std::string>;

TEST(Voice, TheValidationLossOfRealRecordingsFalls) {
  const TempDir at;
  const auto must = [&](const RunResult& result) {
    ASSERT_EQ(result.status, 0) << result.out << result.err;
  };
  must(run({"python3", KOI_SOURCE_DIR "/scripts/demo_data.py", at / "녹음", "--minutes", "4"}));
  must(koi({"init", "base", "--preset", "tiny", "--codec-config", kTinyCodecConfig, "--seed", "1"},
           at.path()));
  copy_tiny_codec(at / "base");
  const std::string codec = at / "base/firefly-gan-vq-fsq-8x1024-21hz-generator.pth";
  must(koi({"loudness-norm", "녹음", "data"}, at.path()));
  must(koi({"extract-vq", "data", "--checkpoint-path", codec}, at.path()));
  must(koi({"build-dataset", "--input", "data", "--output", "protos", "--text-extension", ".lab"},
           at.path()));
  const RunResult trained = koi(
      {"train", "project=목소리", "pretrained_ckpt_path=base", "train_dataset.proto_files=[protos]",
       "val_dataset.proto_files=[protos]", "+lora@model.model.lora_config=r_8_alpha_16",
       "trainer.max_steps=200", "trainer.val_check_interval=50", "trainer.val_before_train=true",
       "trainer.samples.text='You have five new messages.'", "max_length=256", "data.batch_size=1",
       "model.optimizer.lr=1e-3"},
      at.path());
  must(trained);
  EXPECT_THAT(trained.err, HasSubstr("padding: none (data.sampler=reference would have"));
  EXPECT_THAT(trained.err, HasSubstr("advice for 3."));

  const fs::path folder = at / "results/목소리";
  std::map<int64_t, json> validated;
  for (const json& row : metrics_rows(folder / "metrics.jsonl"))
    if (row.contains("val_loss")) validated[row.at("step")] = row;
  ASSERT_EQ(validated.size(), 5U);
  double before = 1e9;
  for (const auto& [step, row] : validated) {
    EXPECT_LT(row.at("val_loss").get<double>(), before) << "at step " << step;
    before = row.at("val_loss");
    EXPECT_GT(row.at("val_loss_interval").get<double>(), 0);
    char name[32];
    std::snprintf(name, sizeof(name), "step_%09d.wav", static_cast<int>(step));
    EXPECT_GT(audio::probe_audio(folder / "samples" / name).duration_s(), 0.04);
  }
  // Far below what the noise of so few sentences could make of it.
  EXPECT_LT(before + validated[200].at("val_loss_interval").get<double>(),
            validated[0].at("val_loss").get<double>() - 2);
  EXPECT_EQ(fs::read_symlink(folder / "checkpoints/best.ckpt"), "step_000000200.ckpt");
}

// koi-tiny's language model expects the frames of a sentence by its text: with the transcripts of
// other recordings it is surprised. Nobody listens here; docs/performance.md tells who did.
TEST(Voice, TheSmallCheckpointReads) {
  const TempDir at;
  const auto must = [&](const RunResult& result) {
    ASSERT_EQ(result.status, 0) << result.out << result.err;
  };
  must(run({"python3", KOI_SOURCE_DIR "/scripts/demo_data.py", at / "raw", "--minutes", "3"}));
  must(koi({"loudness-norm", "raw", "right"}, at.path()));
  must(koi({"extract-vq", "right", "--checkpoint-path", kTinyCodec}, at.path()));
  fs::copy(at / "right", at / "wrong", fs::copy_options::recursive);
  const auto transcripts = base::list_files(
      at / "right", [](const fs::path& path) { return path.extension() == ".lab"; });
  ASSERT_GT(transcripts.size(), 20U);
  for (size_t i = 0; i < transcripts.size(); ++i) {
    const fs::path other = transcripts[(i + 7) % transcripts.size()];
    base::write_file(at / "wrong/allison" / transcripts[i].filename(), base::read_file(other));
  }
  std::map<std::string, double> losses;
  for (const std::string texts : {"right", "wrong"}) {
    must(koi({"build-dataset", "--input", texts, "--output", texts + "-protos", "--text-extension",
              ".lab"},
             at.path()));
    // Another path than that of training: all of it validates.
    must(
        koi({"train", "project=" + texts, "pretrained_ckpt_path=" KOI_SOURCE_DIR "/assets/koi-tiny",
             "train_dataset.proto_files=[right-protos]",
             "val_dataset.proto_files=[./" + texts + "-protos]", "trainer.max_steps=1",
             "trainer.val_before_train=true", "trainer.samples.speak=false", "max_length=256",
             "data.batch_size=1"},
            at.path()));
    losses[texts] =
        metrics_rows(at / "results" / texts / "metrics.jsonl").at(0).at("val_semantic_loss");
  }
  // In nats a frame, all its codes together: found 25.80 and 26.65. A model that has not learnt to
  // read tells the texts apart by 0.06, the koi-tiny of eight codebooks did by 0.74, at 33.9
  // (docs/performance.md).
  constexpr double kCodebooks = 4;
  EXPECT_LT(kCodebooks * losses["right"], 26.5);
  EXPECT_LT(kCodebooks * losses["right"], kCodebooks * losses["wrong"] - 0.75);
}

}  // namespace
}  // namespace koi::test
