// The real program on real recordings (Debian's Asterisk prompts, at least three minutes): from
// loudness to speech, with plain names and with Hangul in file, speaker and project names.
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "koi/audio/audio_file.h"
#include "koi/base/files.h"
#include "koi/checkpoint/npy.h"
#include "tests/support/metrics_rows.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_codec.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;

constexpr int kSamplesPerFrame = 768;
constexpr int kSampleRateHz = 16000;

std::vector<nlohmann::json> read_lines(const fs::path& path) {
  std::vector<nlohmann::json> rows;
  std::istringstream lines(base::read_file(path));
  for (std::string line; std::getline(lines, line);) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

// Runs koi and expects success; what it said is part of a failure.
RunResult must(const std::vector<std::string>& arguments, const fs::path& folder) {
  RunResult result = koi(arguments, folder);
  EXPECT_EQ(result.status, 0) << arguments[0] << "\n" << result.out << result.err;
  return result;
}

void make_recordings(const fs::path& out, const std::string& speaker, const std::string& minutes) {
  const RunResult made = run({"python3", KOI_SOURCE_DIR "/scripts/demo_data.py", out.string(),
                              "--speaker", speaker, "--minutes", minutes});
  ASSERT_EQ(made.status, 0) << made.err;
}

void make_checkpoint(const fs::path& folder) {
  must(
      {"init", "checkpoint", "--preset", "tiny", "--codec-config", kTinyCodecConfig, "--seed", "1"},
      folder);
  copy_tiny_codec(folder / "checkpoint");
}

fs::path codec_of(const fs::path& checkpoint) {
  return checkpoint / "firefly-gan-vq-fsq-8x1024-21hz-generator.pth";
}

class Pipeline : public testing::Test {
 protected:
  // All steps by hand, as the README shows them; then what each must have left.
  void run_all(const std::string& speaker, const std::string& project, const std::string& minutes) {
    make_recordings(at / "data-raw", speaker, minutes);
    make_checkpoint(at.path());
    prepare(speaker);
    train(project);
    merge_and_speak(project);
  }

  void prepare(const std::string& speaker) {
    must({"loudness-norm", "data-raw", "data", "--clean"}, at.path());
    must({"extract-vq", "data", "--checkpoint-path", codec_of("checkpoint")}, at.path());
    for (const auto& entry : fs::directory_iterator(at / "data" / speaker)) {
      if (entry.path().extension() != ".wav") continue;
      const checkpoint::Codes codes =
          checkpoint::read_codes(fs::path(entry.path()).replace_extension(".npy"));
      const audio::AudioInfo info = audio::probe_audio(entry.path());
      EXPECT_EQ(codes.codebooks, 4);
      const double frames = info.duration_s() * kSampleRateHz / kSamplesPerFrame;
      EXPECT_NEAR(static_cast<double>(codes.frames), frames, 1.0) << entry.path();
    }
    must(
        {"build-dataset", "--input", "data", "--output", "data/protos", "--text-extension", ".lab"},
        at.path());
    EXPECT_TRUE(fs::exists(at / "data/protos/00000000.protos"));
  }

  void train(const std::string& project) {
    must({"train", "--config-name", "text2semantic_finetune", "project=" + project,
          "pretrained_ckpt_path=checkpoint", "+lora@model.model.lora_config=r_8_alpha_16",
          "trainer.max_steps=20", "trainer.val_check_interval=10", "trainer.val_before_train=true",
          "data.batch_size=2", "max_length=256", "model.optimizer.lr=1e-3"},
         at.path());
    const fs::path run_folder = at / "results" / project;
    EXPECT_TRUE(fs::exists(run_folder / "checkpoints/step_000000020.ckpt"));
    EXPECT_TRUE(fs::exists(run_folder / ".hydra/config.yaml"));
    const auto rows = read_lines(run_folder / "metrics.jsonl");
    std::vector<double> val_losses;
    int steps = 0;
    for (const auto& row : rows) {
      if (row.contains("val_loss")) val_losses.push_back(row["val_loss"]);
      steps += row.contains("loss") ? 1 : 0;
    }
    EXPECT_EQ(steps, 20);
    ASSERT_GE(val_losses.size(), 2U);
    // The same fixed batches before the first and after the last step.
    EXPECT_LT(val_losses.back(), val_losses.front());
  }

  void merge_and_speak(const std::string& project) {
    const std::string adapter = "results/" + project + "/checkpoints/step_000000020.ckpt";
    must({"merge-lora", "--lora-config", "r_8_alpha_16", "--base-weight", "checkpoint",
          "--lora-weight", adapter, "--output", "merged"},
         at.path());
    const std::vector<std::string> common = {"generate", "--text",           "The call is on hold.",
                                             "--greedy", "--max-new-tokens", "24"};
    const auto codes_of = [&](const std::string& out, std::vector<std::string> more) {
      std::vector<std::string> words = common;
      fs::create_directories(at / out);
      words.insert(words.end(), {"--output-dir", out});
      words.insert(words.end(), more.begin(), more.end());
      must(words, at.path());
      return checkpoint::read_codes(at / out / "codes_0.npy");
    };
    const auto merged = codes_of("a", {"--checkpoint-path", "merged"});
    const auto adapted = codes_of("b", {"--checkpoint-path", "checkpoint", "--lora-weight", adapter,
                                        "--lora-config", "r_8_alpha_16"});
    const auto base = codes_of("c", {"--checkpoint-path", "checkpoint"});
    EXPECT_GT(merged.frames, 0);
    EXPECT_EQ(merged.values, adapted.values);
    EXPECT_NE(merged.values, base.values);

    must({"say", "--text", "The call is on hold.", "--checkpoint-path", "merged",
          "--max-new-tokens", "24", "--greedy", "-o", "speech.wav"},
         at.path());
    const audio::AudioInfo speech = audio::probe_audio(at / "speech.wav");
    EXPECT_EQ(speech.sample_rate_hz, kSampleRateHz);
    EXPECT_EQ(speech.channels, 1);
    EXPECT_EQ(speech.frames, merged.frames * kSamplesPerFrame);
  }

  TempDir at;
};

TEST_F(Pipeline, ThreeMinutesOfOneVoice) { run_all("allison", "first_voice", "3.1"); }

TEST_F(Pipeline, HangulInFileSpeakerAndProjectNames) {
  make_recordings(at / "data-raw", "앨리슨", "0.5");
  int number = 0;
  for (const auto& entry : base::list_files(
           at / "data-raw", [](const fs::path& p) { return p.extension() == ".wav"; })) {
    const fs::path name = entry.parent_path() / ("녹음 " + std::to_string(++number));
    fs::rename(entry, name.string() + ".wav");
    fs::rename(fs::path(entry).replace_extension(".lab"), name.string() + ".lab");
  }
  make_checkpoint(at.path());
  prepare("앨리슨");
  train("한국어");
  merge_and_speak("한국어");
}

TEST_F(Pipeline, NumbersAreSpokenAsWords) {
  make_checkpoint(at.path());
  const auto said = [&](const std::string& reading, const std::string& text) {
    const RunResult result =
        must({"say", "--text", text, "--normalize", reading, "--checkpoint-path", "checkpoint",
              "--max-new-tokens", "2", "--json", "-o", "speech.wav"},
             at.path());
    return nlohmann::json::parse(result.out)["segments"][0]["text"].get<std::string>();
  };
  EXPECT_EQ(said("none", "사과 3개"), "사과 3개");
  EXPECT_EQ(said("ko", "사과 3개"), "사과 세 개");
  EXPECT_EQ(said("auto", "at 3:30 pm"), "at three thirty pm");
}

// Names of special tokens in what a user wrote are no such tokens.
TEST_F(Pipeline, SpecialsInATextStayTextUnlessAsked) {
  make_checkpoint(at.path());
  const auto codes_of = [&](const std::string& text, std::vector<std::string> more) {
    std::vector<std::string> words{
        "generate", "--text",           text, "--checkpoint-path", "checkpoint",
        "--greedy", "--max-new-tokens", "24", "--output-dir",      "."};
    words.insert(words.end(), more.begin(), more.end());
    must(words, at.path());
    return checkpoint::read_codes(at / "codes_0.npy").values;
  };
  const std::string plain = "one two", spelled = "one <|im_end|> two";
  EXPECT_EQ(codes_of(plain, {}), codes_of(plain, {"--special-tokens"}));
  EXPECT_NE(codes_of(spelled, {}), codes_of(spelled, {"--special-tokens"}));
  for (const std::string specials : {"", "--special-tokens"}) {
    std::vector<std::string> words{
        "say",    "--text", spelled, "--checkpoint-path", "checkpoint", "--max-new-tokens", "2",
        "--json", "-o",     "x.wav"};
    if (!specials.empty()) words.push_back(specials);
    const auto said = nlohmann::json::parse(must(words, at.path()).out);
    EXPECT_EQ(said["segments"][0]["text"], spelled);
  }
  fs::create_directories(at / "data/a");
  base::write_file(at / "data/a/x.lab", spelled);
  checkpoint::write_codes(at / "data/a/x.npy", {8, 2, std::vector<int32_t>(16, 1)});
  must({"build-dataset", "--input", "data", "--output", "protos", "--text-extension", ".lab"},
       at.path());
  // All that stands in <> is taken out of transcripts.
  EXPECT_THAT(base::read_file(at / "protos/00000000.protos"),
              AllOf(testing::HasSubstr(plain), Not(testing::HasSubstr("im_end"))));
}

TEST_F(Pipeline, FinetuneDoesAllAndGoesOn) {
  make_recordings(at / "data-raw", "allison", "0.3");
  const auto is_text = [](const fs::path& path) { return path.extension() == ".lab"; };
  base::write_file(base::list_files(at / "data-raw", is_text).front(), "Call at 3:30 pm.");
  base::write_file(at / "data-raw/allison/broken.wav", "no sound");  // the others go on
  make_checkpoint(at.path());
  const std::vector<std::string> command = {"finetune",
                                            "data-raw",
                                            "--name",
                                            "목소리",
                                            "--checkpoint-path",
                                            "checkpoint",
                                            "--steps",
                                            "4",
                                            "--text",
                                            "Goodbye.",
                                            "--max-new-tokens",
                                            "12",
                                            "--json",
                                            "max_length=128",
                                            "data.batch_size=2",
                                            "--normalize",
                                            "en",
                                            "--config-name",
                                            "text2semantic_little",
                                            "--lora-config",
                                            "r_64_alpha_128",
                                            "--shifts",
                                            "2"};
  const auto first = nlohmann::json::parse(must(command, at.path()).out);
  EXPECT_TRUE(fs::exists(at / first["wav"].get<std::string>()));
  EXPECT_TRUE(fs::exists(at / first["report"].get<std::string>()));
  EXPECT_TRUE(fs::exists(at / first["findings"].get<std::string>()));
  ASSERT_EQ(first["steps"].size(), 7U);
  EXPECT_EQ(first["steps"][1]["status"], 1);
  EXPECT_EQ(first["steps"][2]["status"], 0);
  EXPECT_THAT(base::read_file(at / "results/목소리/protos/00000000.protos"),
              testing::HasSubstr("at three thirty pm"));
  // The fourth step's rate in text2semantic_little: 3/50 of 2e-3.
  EXPECT_NEAR(metrics_rows(at / "results/목소리/metrics.jsonl").back()["lr"], 1.2e-4, 1e-6);
  const auto written = fs::last_write_time(at / "results/목소리/checkpoints/step_000000004.ckpt");
  const auto second = nlohmann::json::parse(must(command, at.path()).out);
  EXPECT_TRUE(second["steps"][0]["skipped"]) << second.dump();
  EXPECT_TRUE(second["steps"][5]["skipped"]) << second.dump();
  EXPECT_EQ(fs::last_write_time(at / "results/목소리/checkpoints/step_000000004.ckpt"), written);
}

}  // namespace
}  // namespace koi::test
