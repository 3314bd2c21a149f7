// Adapters with the real program: speaking with them unmerged equals speaking with the merged
// model, another base is refused, PEFT's layout and back, training that goes on from an adapter or
// a merged model on other data, and a full fine-tune that becomes a folder which speaks.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "koi/base/files.h"
#include "koi/base/random.h"
#include "koi/checkpoint/npy.h"
#include "koi/dataset/shard.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_codec.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;
using testing::HasSubstr;

constexpr const char* kText = "one two three";

class LoraCommands : public testing::Test {
 protected:
  void SetUp() override {
    make_base("base", "1");
    make_base("other", "2");
    make_data("data-a", 3);
    make_data("data-b", 4);
  }

  void make_base(const std::string& name, const std::string& seed) {
    must({"init", name, "--preset", "tiny", "--codec-config", kTinyCodecConfig, "--seed", seed});
    copy_tiny_codec(at / name);
  }

  // Sentences over few codes, which are learned quickly.
  void make_data(const std::string& name, uint32_t seed) {
    base::PythonRandom random(seed);
    dataset::TextData speaker{.source = "folder", .name = name, .sentences = {}};
    for (int i = 0; i < 8; ++i) {
      dataset::CodeRows rows(4);
      for (auto& row : rows) {
        for (int t = 0; t < 10; ++t)
          row.push_back(seed * 100 + static_cast<uint32_t>(random.below(3)));
      }
      speaker.sentences.push_back({.texts = {kText}, .codes = rows});
    }
    base::make_folder(at / name);
    base::write_file(at / (name + "/0.protos"), dataset::record_bytes(speaker));
  }

  RunResult koi_here(Words words) {
    words.insert(words.end(), {"--device", "cpu"});
    return koi(words, at.path());
  }
  RunResult must(const Words& words) {
    RunResult result = koi(words, at.path());
    EXPECT_EQ(result.status, 0) << words[0] << "\n" << result.out << result.err;
    return result;
  }

  // The run's newest checkpoint.
  std::string train(const std::string& project, const std::string& data, const Words& more) {
    Words words{"train",
                "project=" + project,
                "train_dataset.proto_files=[" + data + "]",
                "val_dataset.proto_files=[" + data + "]",
                "trainer.max_steps=6",
                "trainer.limit_val_batches=0",
                "data.batch_size=2",
                "max_length=128",
                "model.optimizer.lr=1e-2"};
    words.insert(words.end(), more.begin(), more.end());
    const std::string out = must(words).out;
    return out.substr(0, out.find('\n'));
  }
  Words lora(const Words& more = {}) {
    Words words{"pretrained_ckpt_path=base", "+lora@model.model.lora_config=r_8_alpha_16"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  double first_loss(const std::string& project) {
    const std::string rows = base::read_file(at / ("results/" + project + "/metrics.jsonl"));
    return nlohmann::json::parse(rows.substr(0, rows.find('\n')))["loss"];
  }

  std::vector<int64_t> codes_of(const Words& more) {
    Words words{"generate", "--text",           kText, "--greedy",     "--device",
                "cpu",      "--max-new-tokens", "16",  "--output-dir", "codes"};
    words.insert(words.end(), more.begin(), more.end());
    must(words);
    const auto codes = checkpoint::read_codes(at / "codes/codes_0.npy");
    EXPECT_GT(codes.frames, 0);
    return {codes.values.begin(), codes.values.end()};
  }

  TempDir at;
};

TEST_F(LoraCommands, UnmergedEqualsMerged) {
  const std::string a = train("a", "data-a", lora());
  const std::string b =
      train("b", "data-b",
            lora({"model.model.lora_config.targets=[attention,ffn]", "model.model.lora_config.r=4",
                  "model.model.lora_config.use_rslora=true"}));
  const auto base = codes_of({"--checkpoint-path", "base"});

  must({"merge-lora", "--base-weight", "base", "--lora-weight", a, "--output", "merged-a"});
  const auto merged_a = codes_of({"--checkpoint-path", "merged-a"});
  EXPECT_EQ(codes_of({"--checkpoint-path", "base", "--lora", a}), merged_a);
  EXPECT_NE(merged_a, base);

  must({"merge-lora", "--base-weight", "base", "--lora", a + ":0.7", "--lora", b + ":0.6",
        "--output", "merged-ab"});
  const auto merged_ab = codes_of({"--checkpoint-path", "merged-ab"});
  EXPECT_EQ(codes_of({"--checkpoint-path", "base", "--lora", a + ":0.7", "--lora", b + ":0.6"}),
            merged_ab);
  EXPECT_NE(merged_ab, merged_a);

  must({"export-lora", "--lora", a, "--output", "peft"});
  EXPECT_EQ(codes_of({"--checkpoint-path", "base", "--lora", "peft"}), merged_a);
  must({"say", "--text", kText, "--checkpoint-path", "base", "--lora", "peft", "--lora", b,
        "--max-new-tokens", "8", "-o", "speech.wav"});

  for (const std::string& adapter : {a, std::string("peft")}) {
    for (const Words& words :
         {Words{"say", "--text", kText, "--checkpoint-path", "other", "-o", "x.wav"},
          Words{"generate", "--text", kText, "--checkpoint-path", "other"},
          Words{"merge-lora", "--base-weight", "other", "--output", "x"}}) {
      Words asked = words;
      asked.insert(asked.end(), {"--lora", adapter});
      const RunResult refused = koi_here(asked);
      EXPECT_EQ(refused.status, 1) << refused.out;
      EXPECT_THAT(refused.err, HasSubstr(adapter + ": was trained on another base (base)"));
    }
  }
}

TEST_F(LoraCommands, QuantisedBases) {
  const std::string a = train("a", "data-a", lora());
  must({"quantize", "--checkpoint-path", "base", "--output", "small"});
  const auto small = codes_of({"--checkpoint-path", "small"});
  EXPECT_NE(codes_of({"--checkpoint-path", "small", "--lora", a}), small);

  must({"merge-lora", "--base-weight", "base", "--lora-weight", a, "--output", "merged"});
  must({"quantize", "--checkpoint-path", "base", "--lora", a, "--output", "small-a"});
  EXPECT_EQ(codes_of({"--checkpoint-path", "small-a"}),
            codes_of({"--checkpoint-path", "merged", "--weights", "int8"}));

  for (const Words& words :
       {Words{"train", "project=x", "pretrained_ckpt_path=small",
              "train_dataset.proto_files=[data-a]", "val_dataset.proto_files=[data-a]"},
        Words{"merge-lora", "--base-weight", "small", "--lora", a, "--output", "x"}}) {
    const RunResult refused = koi(words, at.path());
    EXPECT_EQ(refused.status, 1) << refused.out;
    EXPECT_THAT(refused.err, HasSubstr("small/model.safetensors: holds quantised weights"));
  }
  const RunResult other = koi_here({"generate", "--text", kText, "--checkpoint-path", "small-a",
                                    "--lora", a});  // its base no longer
  EXPECT_THAT(other.err, HasSubstr(a + ": was trained on another base (base)"));
}

TEST_F(LoraCommands, MistakesAreOneLine) {
  const std::string a = train("a", "data-a", lora({"model.model.lora_config.r=4"}));
  const std::string full = train("full", "data-a", {"pretrained_ckpt_path=base"});
  const Words merge{"merge-lora", "--base-weight", "base", "--output", "x"};
  const Words speak{"generate", "--text", kText, "--checkpoint-path", "base"};
  for (const auto& [start, more, status, says] :
       std::vector<std::tuple<Words, Words, int, std::string>>{
           {merge, {}, 2, "--lora-weight: is missing"},
           {merge, {"--lora", a + ":0"}, 2, "must be a number but 0"},
           {merge, {"--lora", a, "--lora-config", "r_8_alpha_16"}, 1, "was trained with r 4"},
           {merge, {"--lora", a, "--lora-config", "r_9"}, 1, "r_9"},
           {merge, {"--lora", "none:0.5"}, 1, "none: no such file"},
           {merge, {"--lora", "data-a"}, 1, "adapter_config.json"},
           {merge, {"--lora", full + ":0.5"}, 2, "takes no weight"},
           {speak, {"--lora", full}, 2, "is a full fine-tune, no adapter"}}) {
    Words words = start;
    words.insert(words.end(), more.begin(), more.end());
    const RunResult found = koi_here(words);
    EXPECT_EQ(found.status, status) << found.err;
    EXPECT_THAT(found.err, HasSubstr(says));
  }
  const RunResult unknown =
      koi(Words{"train", "pretrained_ckpt_path=base", "+lora@model.model.lora_config=r_8_alpha_16",
                "model.model.lora_config.targets=atention"},
          at.path());
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean attention?"));
}

TEST_F(LoraCommands, TrainingGoesOnWithOtherData) {
  const std::string a = train("a", "data-a", lora());
  train("fresh", "data-b", lora());
  must({"export-lora", "--lora", a, "--output", "peft"});
  must({"merge-lora", "--base-weight", "base", "--lora", a, "--output", "merged"});

  const auto from = [&](const std::string& path) {
    return lora({"+ckpt_path=" + path, "+resume_weights_only=true"});
  };
  train("from-adapter", "data-b", from(a));
  train("from-peft", "data-b", from("peft"));
  train("from-merged", "data-b",
        {"pretrained_ckpt_path=merged", "+lora@model.model.lora_config=r_8_alpha_16"});
  // What data-a taught holds for data-b too: where its sentences begin and end.
  EXPECT_LT(first_loss("from-adapter"), first_loss("fresh"));
  EXPECT_EQ(first_loss("from-peft"), first_loss("from-adapter"));
  EXPECT_NEAR(first_loss("from-merged"), first_loss("from-adapter"), 1e-2);  // other dropout draws

  Words other = from(a);
  other[0] = "pretrained_ckpt_path=other";
  other.insert(other.begin(),
               {"train", "project=refused", "max_length=128", "train_dataset.proto_files=[data-b]",
                "val_dataset.proto_files=[data-b]"});
  const RunResult refused = koi(other, at.path());
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("was trained on another base"));
}

TEST_F(LoraCommands, AFullFineTuneSpeaks) {
  const std::string full =
      train("full", "data-a", {"pretrained_ckpt_path=base", "model.optimizer.lr=1e-3"});
  must({"merge-lora", "--base-weight", "base", "--lora-weight", full, "--output", "voice"});
  EXPECT_NE(codes_of({"--checkpoint-path", "voice"}), codes_of({"--checkpoint-path", "base"}));
  must({"say", "--text", kText, "--checkpoint-path", "voice", "--max-new-tokens", "8", "-o",
        "speech.wav"});
  EXPECT_GT(fs::file_size(at / "speech.wav"), 44u);
}

}  // namespace
}  // namespace koi::test
