// Bad input: one line that says what, where and what to do, exit status 1 (2 for usage), nothing
// half written.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "koi/base/bytes.h"
#include "koi/base/files.h"
#include "koi/checkpoint/npy.h"
#include "koi/checkpoint/pth.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;

constexpr char kCodec[] = "firefly-gan-vq-fsq-8x1024-21hz-generator.pth";

// All files below a folder with their sizes: what a refused command must leave as it was.
std::vector<std::string> listing(const fs::path& folder) {
  std::vector<std::string> lines;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    lines.push_back(entry.path().string() +
                    (entry.is_regular_file() ? " " + std::to_string(entry.file_size()) : ""));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

// A checkpoint folder made once for all tests, copied to where a test damages it.
const fs::path& sound_checkpoint() {
  static const TempDir folder;
  static const fs::path checkpoint = [] {
    const RunResult made =
        koi({"init", (folder / "ck").string(), "--preset", "tiny", "--seed", "3"});
    EXPECT_EQ(made.status, 0) << made.err;
    return folder / "ck";
  }();
  return checkpoint;
}

class BadInput : public testing::Test {
 protected:
  BadInput() { fs::copy(sound_checkpoint(), at / "ck", fs::copy_options::recursive); }

  // Runs the command and holds it against the rules; `needles` must all stand in the line.
  void refused(const std::vector<std::string>& command, const std::vector<std::string>& needles,
               int status = 1) {
    const auto before = listing(at.path());
    const RunResult result = koi(command, at.path());
    EXPECT_EQ(result.status, status) << command[0] << ": " << result.err;
    std::vector<std::string> errors;
    std::istringstream lines(result.err);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("koi: error: ")) errors.push_back(line);
    }
    ASSERT_EQ(errors.size(), 1U) << result.err;
    for (const std::string& needle : needles)
      EXPECT_NE(errors[0].find(needle), std::string::npos) << errors[0];
    EXPECT_EQ(listing(at.path()), before) << "files changed by a refused command";
  }

  void say_refused(const std::vector<std::string>& needles) {
    refused({"say", "--text", "Hello.", "--checkpoint-path", "ck", "--max-new-tokens", "4", "-o",
             "out.wav"},
            needles);
  }

  TempDir at;
};

TEST_F(BadInput, UsageIsStatusTwo) {
  refused({"no-such-command"}, {"no-such-command"}, 2);
  refused({"say", "--no-such-flag"}, {"no-such-flag"}, 2);
  refused({"say", "--checkpoint-path", "ck", "--text", "", "-o", "out.wav"}, {"--text"}, 2);
  refused({"say", "--text", "3", "--normalize", "jp", "-o", "out.wav"}, {"--normalize", "jp"}, 2);
  refused({"build-dataset", "--input", "ck", "--normalize", "jp"}, {"--normalize", "jp"}, 2);
}

TEST_F(BadInput, MissingCheckpoint) {
  refused({"say", "--text", "Hello.", "--checkpoint-path", "nowhere", "-o", "out.wav"},
          {"nowhere"});
  refused({"generate", "--text", "Hello.", "--checkpoint-path", "nowhere"}, {"nowhere"});
  refused({"codec", "-i", "missing.wav", "-o", "out.wav", "--checkpoint-path",
           std::string("ck/") + kCodec},
          {"missing.wav"});
  refused(
      {"merge-lora", "--base-weight", "ck", "--lora-weight", "missing.ckpt", "--output", "merged"},
      {"missing.ckpt"});
  refused({"inspect", "missing.pth"}, {"missing.pth"});
}

TEST_F(BadInput, CheckpointWithoutCodec) {
  fs::remove(at / "ck" / kCodec);
  say_refused({"ck", "codec"});
}

TEST_F(BadInput, TruncatedWeights) {
  for (const char* name : {"model.pth", kCodec}) {
    const fs::path file = at / "ck" / name;
    const std::string whole = base::read_file(file);
    for (const size_t keep : {size_t{0}, size_t{3}, whole.size() / 2, whole.size() - 1}) {
      base::write_file(file, whole.substr(0, keep));
      say_refused({name});
    }
    base::write_file(file, whole);
  }
}

TEST_F(BadInput, WrongTensorShape) {
  checkpoint::StateDict state = checkpoint::load_state_dict(at / "ck/model.pth");
  const auto norm = std::find_if(state.begin(), state.end(),
                                 [](const auto& entry) { return entry.first == "norm.weight"; });
  ASSERT_NE(norm, state.end());
  const auto width = norm->second.shape[0];
  const auto bytes = std::make_shared<std::string>(norm->second.bytes().substr(4));
  norm->second = checkpoint::contiguous_view(norm->second.dtype, {width - 1}, *bytes, bytes);
  checkpoint::save_pth(at / "wrong.pth", checkpoint::from_state_dict(state));
  fs::rename(at / "wrong.pth", at / "ck/model.pth");
  say_refused({"model.pth", "norm.weight", std::to_string(width), std::to_string(width - 1)});
}

TEST_F(BadInput, MaliciousPickleIsRefusedByName) {
  // os.system("touch owned") as a pickle inside of an otherwise sound archive.
  const std::string evil =
      "\x80\x02"
      "cos\nsystem\nU\x0btouch owned\x85R.";
  checkpoint::StateDict none;
  checkpoint::save_pth(at / "evil.pth", checkpoint::from_state_dict(none));
  const RunResult zipped = run({"python3", "-c",
                                "import sys, zipfile\n"
                                "z = zipfile.ZipFile('evil.pth', 'w')\n"
                                "z.writestr('evil/data.pkl', bytes.fromhex(sys.argv[1]))\n"
                                "z.writestr('evil/version', '3\\n')\n",
                                [&] {
                                  std::string hex;
                                  for (const char c : evil) {
                                    constexpr char kDigits[] = "0123456789abcdef";
                                    hex += kDigits[static_cast<unsigned char>(c) >> 4];
                                    hex += kDigits[c & 15];
                                  }
                                  return hex;
                                }()},
                               at.path());
  ASSERT_EQ(zipped.status, 0) << zipped.err;
  refused({"inspect", "evil.pth"}, {"evil.pth", "os.system"});
  fs::copy_file(at / "evil.pth", at / "ck/model.pth", fs::copy_options::overwrite_existing);
  say_refused({"model.pth", "os.system"});
  EXPECT_FALSE(fs::exists(at / "owned"));
}

TEST_F(BadInput, EmptyDataset) {
  fs::create_directories(at / "empty");
  refused({"build-dataset", "--input", "empty", "--output", "protos"}, {"empty"});
  refused({"extract-vq", "empty", "--checkpoint-path", std::string("ck/") + kCodec}, {"empty"});
  refused({"loudness-norm", "empty", "out"}, {"empty"});
  const std::vector<std::string> train = {"train",
                                          "project=p",
                                          "pretrained_ckpt_path=ck",
                                          "train_dataset.proto_files=[empty]",
                                          "val_dataset.proto_files=[empty]",
                                          "trainer.max_steps=1"};
  const RunResult result = koi(train, at.path());
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_NE(result.err.find("empty"), std::string::npos) << result.err;
}

TEST_F(BadInput, TextLongerThanTheContext) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "word ";
  refused({"generate", "--text", text, "--checkpoint-path", "ck", "--no-iterative-prompt",
           "--output-dir", "."},
          {"context"});
}

TEST_F(BadInput, NoTranscript) {
  fs::create_directories(at / "data/speaker");
  checkpoint::write_codes(at / "data/speaker/a.npy", {8, 2, std::vector<int32_t>(16, 7)});
  fs::copy_file(KOI_SOURCE_DIR "/tests/goldens/codec/audio/a/input.wav", at / "data/speaker/a.wav");
  const RunResult result =
      koi({"build-dataset", "--input", "data", "--output", "protos", "--text-extension", ".lab"},
          at.path());
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("a"), std::string::npos);
  EXPECT_NE(result.err.find(".lab"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(at / "protos/00000000.protos"));
}

TEST_F(BadInput, CodesOfAnotherCodecAreRefusedBeforeTheFirstStep) {
  fs::create_directories(at / "data/speaker");
  checkpoint::write_codes(at / "data/speaker/a.npy", {4, 20, std::vector<int32_t>(80, 7)});
  base::write_file(at / "data/speaker/a.lab", "Half as many codebooks as the model has.");
  ASSERT_EQ(
      koi({"build-dataset", "--input", "data", "--output", "protos", "--text-extension", ".lab"},
          at.path())
          .status,
      0);
  refused({"train", "project=p", "pretrained_ckpt_path=ck", "train_dataset.proto_files=[protos]",
           "val_dataset.proto_files=[protos]", "trainer.max_steps=1"},
          {"speaker", "4", "8"});
}

TEST_F(BadInput, UnknownSettingNamesTheNearest) {
  refused({"train", "project=p", "trainer.max_step=3"}, {"trainer.max_step", "max_steps"});
}

TEST_F(BadInput, UnwritableOutput) {
  refused({"say", "--text", "Hello.", "--checkpoint-path", "ck", "--max-new-tokens", "4", "-o",
           "no/such/folder/out.wav"},
          {"no/such/folder"});
}

}  // namespace
}  // namespace koi::test
