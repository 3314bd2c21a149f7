// A model from nothing with the real program: a tokenizer learnt from texts, a checkpoint of free
// sizes, training with random weights at its start, a plain folder that speaks.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "koi/audio/audio_file.h"
#include "koi/base/files.h"
#include "koi/base/random.h"
#include "koi/checkpoint/npy.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/terminal_program.h"

namespace koi::test {
namespace {

namespace fs = base::fs;
using Words = std::vector<std::string>;
using testing::HasSubstr;

constexpr const char* kCodec = R"(
spec_transform: {sample_rate: 8000, n_mels: 20, n_fft: 256, win_length: 256, hop_length: 64}
backbone: {input_channels: 20, depths: [1, 1], dims: [16, 16]}
head:
  hop_length: 64
  num_mels: 16
  upsample_rates: [8, 8]
  upsample_kernel_sizes: [16, 16]
  resblock_kernel_sizes: [3]
  resblock_dilation_sizes: [[1, 3]]
  upsample_initial_channel: 16
quantizer: {input_dim: 16, n_groups: 4, levels: [5, 5], downsample_factor: [2, 2]}
)";
constexpr const char* kSizes =
    "dim: 48\nn_head: 4\nn_local_heads: 2\nn_layer: 2\nn_fast_layer: 1\nintermediate_size: 64\n"
    "max_seq_len: 256\ndropout: 0.1\n";

class Scratch : public testing::Test {
 protected:
  RunResult must(const Words& words) {
    RunResult result = koi(words, at.path());
    EXPECT_EQ(result.status, 0) << words[0] << "\n" << result.out << result.err;
    return result;
  }
  void expect_error(const Words& words, const std::string& what) {
    const RunResult result = koi(words, at.path());
    EXPECT_NE(result.status, 0);
    EXPECT_THAT(result.err, testing::StartsWith("koi: error: "));
    EXPECT_THAT(result.err, HasSubstr(what));
  }

  // Sentences with codes of 4 groups of 25, each word its own code.
  void make_data() {
    base::PythonRandom random(3);
    const Words words{"boat", "harbour", "morning", "바다", "아침", "quiet"};
    for (int i = 0; i < 24; ++i) {
      std::string text;
      checkpoint::Codes codes{4, 0, {}};
      std::vector<int32_t> row;
      for (int j = 0; j < 3; ++j) {
        const auto word = random.below(words.size());
        text += (j > 0 ? " " : "") + words[word];
        row.insert(row.end(), 3, static_cast<int32_t>(4 + 4 * word));
      }
      codes.frames = static_cast<int64_t>(row.size());
      for (int k = 0; k < 4; ++k) codes.values.insert(codes.values.end(), row.begin(), row.end());
      const fs::path stem = at / ("data/화자/" + std::to_string(i));
      base::make_folder(stem.parent_path());
      checkpoint::write_codes(stem.string() + ".npy", codes);
      base::write_file(stem.string() + ".lab", text);
    }
    must({"build-dataset", "--input", "data", "--output", "protos", "--text-extension", ".lab"});
  }

  void make_checkpoint() {
    base::write_file(at / "codec.yaml", kCodec);
    base::write_file(at / "sizes.yaml", kSizes);
    must({"tokenizer-train", "data", "--output", "tokenizer.json", "--vocab-size", "290"});
    must({"init", "scratch", "--lm-config", "sizes.yaml", "--tokenizer", "tokenizer.json",
          "--codec-config", "codec.yaml"});
  }

  // Gives the run's newest checkpoint.
  std::string train(const std::string& project, const std::string& steps) {
    const std::string out =
        must({"train", "project=" + project, "pretrained_ckpt_path=scratch",
              "model.model.load_weights=false", "train_dataset.proto_files=[protos]",
              "val_dataset.proto_files=[protos]", "max_length=64", "data.batch_size=2",
              "trainer.val_check_interval=30", "model.optimizer.lr=3e-3",
              "trainer.max_steps=" + steps})
            .out;
    return out.substr(0, out.find('\n'));
  }

  double loss_at(const std::string& project, int step) {
    std::istringstream rows(base::read_file(at / ("results/" + project + "/metrics.jsonl")));
    for (std::string line; std::getline(rows, line);) {
      const auto row = nlohmann::json::parse(line);
      if (row["step"] == step && row.contains("loss")) return row["loss"];
    }
    ADD_FAILURE() << "no step " << step;
    return 0;
  }

  TempDir at;
};

TEST_F(Scratch, ATokenizerFromTexts) {
  base::make_folder(at / "글/b");
  base::write_file(at / "글/a.txt", "The harbour was quiet.\nThe boats came in (slowly).\n");
  base::write_file(at / "글/b/c.lab", "바다가 잔잔했습니다. 바다가");
  const Words train{"tokenizer-train", "글", "--output", "새/tokenizer.json", "--json"};
  const auto made = nlohmann::json::parse(must(train).out);
  EXPECT_EQ(made["files"], 2);
  EXPECT_EQ(made["texts"], 3);
  EXPECT_LT(made["tokens"], made["bytes"]);
  EXPECT_EQ(made["vocab_size"], 265 + made["merges"].get<int>());
  const std::string bytes = base::read_file(at / "새/tokenizer.json");
  EXPECT_THAT(bytes, HasSubstr("\"The\""));
  EXPECT_THAT(must({"inspect", "새/tokenizer.json"}).out, HasSubstr("tokenizer"));

  // Fewer entries than asked for are written, and said.
  EXPECT_THAT(must(train).err, HasSubstr("instead of 512"));
  must({"tokenizer-train", "글/b/c.lab", "글/a.txt", "--output", "other.json"});
  EXPECT_EQ(base::read_file(at / "other.json"), bytes);
}

TEST_F(Scratch, WhatCannotBeIsOneLine) {
  base::write_file(at / "bad.txt", "one\ntw\xFFo\n");
  base::write_file(at / "empty.txt", "\n \n");
  base::write_file(at / "good.txt", "one two");
  const auto train = [](const std::string& texts, const Words& more = {}) {
    Words words{"tokenizer-train", texts, "--output", "t.json"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  expect_error(train("absent"), "absent: no such file or folder");
  expect_error(train("bad.txt"), "bad.txt, line 2: is not valid UTF-8");
  expect_error(train("empty.txt"), "empty.txt: holds no words");
  expect_error(train("good.txt", {"--vocab-size", "264"}), "expected 265");
  expect_error(train("good.txt", {"--min-count", "0"}), "expected 1 or more");
  expect_error({"tokenizer-train", "good.txt", "--output", "./good.txt"}, "is one of the texts");
  EXPECT_EQ(base::read_file(at / "good.txt"), "one two");
  expect_error({"tokenizer-train", "good.txt", "--output", ""}, "is no name of a file");
  EXPECT_FALSE(fs::exists(at / "t.json"));

  base::write_file(at / "codec.yaml", kCodec);
  const auto init = [&](const std::string& sizes, const Words& more = {}) {
    base::write_file(at / "sizes.yaml", sizes);
    Words words{"init", "out", "--lm-config", "sizes.yaml"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  expect_error(init("dim: 50\n"), "sizes.yaml: key \"dim\" is 50");
  expect_error(init("dims: 64\n"), "\"dims\" is unknown");
  expect_error(init("{\"dim\": 64"), "sizes.yaml");
  expect_error(init("- 1\n"), "sizes.yaml");
  expect_error(init("num_codebooks: 8\n", {"--codec-config", "codec.yaml"}), "the codec has 4");
  expect_error(init("num_codebooks: 4\n"), "the codec has 8");
  expect_error(init("vocab_size: 200\n"), "vocab_size");
  expect_error(init("dim: 65536\nn_layer: 1024\n"), "are free");
  expect_error({"init", "out", "--tokenizer", "good.txt"}, "good.txt: is no JSON");
  expect_error({"init", ""}, "is no name of a folder");
  expect_error({"init", "out", "--seed", "-1"}, "--seed");
  EXPECT_FALSE(fs::exists(at / "out"));
}

TEST_F(Scratch, AStoppedInitLeavesNothing) {
  base::write_file(at / "sizes.yaml",
                   "dim: 1024\nn_layer: 24\nn_head: 16\nintermediate_size: 4096\n");
  TerminalProgram program({KOI_BINARY_DIR "/koi", "init", "large", "--lm-config", "sizes.yaml"},
                          at.path());
  const auto has_codec = [&] {  // now comes the model
    const fs::recursive_directory_iterator files(at.path());
    return std::any_of(begin(files), end(files),
                       [](const auto& entry) { return entry.path().extension() == ".pth"; });
  };
  while (!has_codec()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(), 128 + SIGINT) << program.said();
  EXPECT_THAT(program.said(), HasSubstr("koi: interrupted: "));
  EXPECT_EQ(std::distance(fs::directory_iterator(at.path()), fs::directory_iterator()), 1);
}

TEST_F(Scratch, AModelFromNothingSpeaks) {
  make_data();
  make_checkpoint();
  const auto config = nlohmann::json::parse(base::read_file(at / "scratch/config.json"));
  EXPECT_EQ(config["vocab_size"], 290);
  EXPECT_EQ(config["num_codebooks"], 4);
  EXPECT_EQ(config["codebook_size"], 26);
  EXPECT_EQ(config["dim"], 48);

  const std::string trained = train("pretrain", "60");
  EXPECT_TRUE(fs::exists(at / "results/pretrain/samples/step_000000060.wav"));
  EXPECT_LT(loss_at("pretrain", 60), 0.5 * loss_at("pretrain", 1));
  must({"merge-lora", "--base-weight", "scratch", "--lora-weight", trained, "--output", "voice"});
  must({"generate", "--text", "quiet 바다 boat", "--greedy", "--device", "cpu", "--max-new-tokens",
        "20", "--checkpoint-path", "voice", "--output-dir", "codes"});
  EXPECT_EQ(checkpoint::read_codes(at / "codes/codes_0.npy").codebooks, 4);
  must({"say", "--text", "아침 harbour", "--checkpoint-path", "voice", "--device", "cpu",
        "--max-new-tokens", "20", "-o", "speech.wav"});
  EXPECT_EQ(audio::probe_audio(at / "speech.wav").sample_rate_hz, 8000);
}

TEST_F(Scratch, AStoppedRunGoesOnBitForBit) {
  make_data();
  make_checkpoint();
  const std::string whole = train("whole", "12");
  train("cut", "5");
  const std::string cut = train("cut", "12");
  for (const std::string& run : {whole, cut})
    must({"merge-lora", "--base-weight", "scratch", "--lora-weight", run, "--output", run + ".d"});
  EXPECT_EQ(base::read_file(at / (whole + ".d/model.pth")),
            base::read_file(at / (cut + ".d/model.pth")));
  EXPECT_EQ(loss_at("whole", 12), loss_at("cut", 12));
}

}  // namespace
}  // namespace koi::test
