// The real program told to stop in the midst of its work, by SIGINT (Ctrl-C) and then by SIGTERM:
// it ends with the signal's status, keeps what is finished and nothing else, says how to go on, and
// going on leaves the bytes of a run that nothing stopped.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>

#include "koi/audio/audio_file.h"
#include "koi/base/files.h"
#include "koi/base/random.h"
#include "koi/checkpoint/npy.h"
#include "tests/support/file_tree.h"
#include "tests/support/metrics_rows.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/terminal_program.h"
#include "tests/support/tiny_codec.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;
using testing::HasSubstr;

bool are_part_of(const Files& part, const Files& whole) {
  return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

class InterruptTest : public testing::Test {
 protected:
  void must(const Words& arguments) {
    const RunResult result = koi(arguments, working_folder);
    ASSERT_EQ(result.status, 0) << arguments[0] << "\n" << result.out << result.err;
  }

  // Reads until the progress of the command shows that something is finished and `also` holds.
  static bool see_bar(
      TerminalProgram& program, const Words& arguments,
      const std::function<bool()>& also = [] { return true; }) {
    const std::string bar = "\x1b[K" + arguments[0] + " ";
    return program.wait_until(
        [&](const std::string& said) { return said.find(bar) != std::string::npos && also(); });
  }

  TerminalProgram start(const Words& arguments) {
    Words argv = {KOI_BINARY_DIR "/koi"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return TerminalProgram(argv, working_folder);
  }

  // Runs the command that `prepare` returns, with `count` things to do, and with twice as many
  // until two stops in its midst find it there: how much that takes depends on the machine. The
  // count; what the last run made is left.
  int run_whole(int count, const std::function<Words(int count)>& prepare) {
    using Clock = std::chrono::steady_clock;
    for (;; count *= 2) {
      fs::remove_all(at / "whole");
      const Words arguments = prepare(count);
      TerminalProgram program = start(arguments);
      const bool seen = see_bar(program, arguments);
      const auto since = Clock::now();
      EXPECT_EQ(program.wait(), 0) << program.said();
      if (HasFailure() || (seen && Clock::now() - since > std::chrono::seconds(1))) return count;
    }
  }

  // Runs the command, and stops it when its bar is seen and `also` holds. What it said.
  std::string stop(
      const Words& arguments, int signal, const std::function<bool()>& also = [] { return true; }) {
    TerminalProgram program = start(arguments);
    EXPECT_TRUE(see_bar(program, arguments, also)) << program.said();
    program.signal(signal);
    EXPECT_EQ(program.wait(), 128 + signal) << program.said();
    EXPECT_THAT(program.said(), HasSubstr("koi: interrupted: "));
    EXPECT_THAT(program.said(), HasSubstr("; the same command"));
    for (const auto& [path, bytes] : files_in(at.path()))
      EXPECT_THAT(path, testing::Not(HasSubstr(".koi-"))) << "a temporary file is left";
    return program.said();
  }

  // A recording of 8 s of noise, and more names of it; nothing else is in the folder.
  void make_recordings(const fs::path& folder, int count) {
    fs::remove_all(folder);
    constexpr int kRateHz = 44100;
    base::PythonRandom random(1);
    std::vector<float> noise(8 * kRateHz);
    for (float& value : noise) value = static_cast<float>(0.2 * random.random() - 0.1);
    fs::create_directories(folder);
    audio::write_wav_pcm16(folder / "0.wav", noise, kRateHz);
    base::write_file(folder / "0.lab", "noise");
    for (int i = 1; i < count; ++i) {
      const std::string name = std::to_string(i);
      fs::create_hard_link(folder / "0.wav", folder / (name + ".wav"));
      fs::create_hard_link(folder / "0.lab", folder / (name + ".lab"));
    }
  }

  // `speakers` folders with `sentences` pairs of codes and text, all of the same bytes; nothing
  // else is in the folder.
  void make_codes(const fs::path& folder, int speakers, int sentences, int64_t frames) {
    fs::remove_all(folder);
    base::PythonRandom random(2);
    checkpoint::Codes codes{8, frames, {}};
    for (int64_t i = 0; i < codes.codebooks * frames; ++i)
      codes.values.push_back(static_cast<int32_t>(random.below(20)));
    fs::create_directories(folder);
    const fs::path first = folder / "first";
    checkpoint::write_codes(first.string() + ".codes", codes);
    base::write_file(first.string() + ".text", "one two three");
    for (int speaker = 0; speaker < speakers; ++speaker) {
      const fs::path place = folder / ("speaker" + std::to_string(speaker));
      fs::create_directories(place);
      for (int i = 0; i < sentences; ++i) {
        const std::string name = (place / std::to_string(i)).string();
        fs::create_hard_link(first.string() + ".codes", name + ".npy");
        fs::create_hard_link(first.string() + ".text", name + ".lab");
      }
    }
  }

  void make_checkpoint() { must({"init", "checkpoint", "--preset", "tiny", "--seed", "1"}); }

  TempDir at;
  fs::path working_folder = at.path();
};

TEST_F(InterruptTest, LoudnessNorm) {
  const auto command = [](const std::string& out) {
    return Words{"loudness-norm", "raw", out, "--num-workers", "1"};
  };
  const int recordings = run_whole(80, [&](int count) {
    make_recordings(at / "raw/ada", count);
    return command("whole");
  });
  const Files whole = files_in(at / "whole");
  ASSERT_EQ(whole.size(), 2U * recordings);
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string said = stop(command("broken"), signal);
    EXPECT_THAT(said, HasSubstr("of " + std::to_string(recordings) +
                                " recordings are done; the same command goes on from here"));
    const Files broken = files_in(at / "broken");
    EXPECT_TRUE(are_part_of(broken, whole));
    EXPECT_LT(broken.size(), whole.size());
  }
  must(command("broken"));
  EXPECT_EQ(files_in(at / "broken"), whole);

  // --clean again would lose what is done.
  Words cleaning = command("broken");
  cleaning.push_back("--clean");
  EXPECT_THAT(stop(cleaning, SIGINT), HasSubstr("the same command without --clean goes on"));
}

// A recording that is cut through has its first piece last.
TEST_F(InterruptTest, Slice) {
  const auto command = [](const std::string& out) {
    return Words{"slice",          "raw", out, "--num-workers", "1", "--min-duration", "1",
                 "--max-duration", "2"};
  };
  const int recordings = run_whole(60, [&](int count) {
    make_recordings(at / "raw/ada", count);
    return command("whole");
  });
  const Files whole = files_in(at / "whole");
  ASSERT_EQ(whole.size(), 4U * recordings);
  for (const int signal : {SIGINT, SIGTERM}) {
    EXPECT_THAT(stop(command("broken"), signal),
                HasSubstr("of " + std::to_string(recordings) + " recordings are done"));
    EXPECT_TRUE(are_part_of(files_in(at / "broken"), whole));
    EXPECT_LT(files_in(at / "broken").size(), whole.size());
  }
  must(command("broken"));
  EXPECT_EQ(files_in(at / "broken"), whole);
}

TEST_F(InterruptTest, Import) {
  const auto command = [](const std::string& out) {
    return Words{"import", "raw/all.list", out, "--copy", "--num-workers", "1"};
  };
  const int recordings = run_whole(200, [&](int count) {
    make_recordings(at / "raw", count);
    std::string list;
    for (int i = 0; i < count; ++i)
      list += std::to_string(i) + ".wav|ada|en|number " + std::to_string(i) + "\n";
    base::write_file(at / "raw/all.list", list);
    return command("whole");
  });
  const Files whole = files_in(at / "whole");
  ASSERT_EQ(whole.size(), 2U * recordings);
  EXPECT_THAT(stop(command("broken"), SIGINT),
              HasSubstr("of " + std::to_string(recordings) + " files are done"));
  EXPECT_TRUE(are_part_of(files_in(at / "broken"), whole));
  EXPECT_LT(files_in(at / "broken").size(), whole.size());
  must(command("broken"));
  EXPECT_EQ(files_in(at / "broken"), whole);
}

TEST_F(InterruptTest, ExtractVq) {
  const auto command = [&](const std::string& folder) {
    return Words{"extract-vq", folder, "--checkpoint-path", kTinyCodec};
  };
  const int recordings = run_whole(24, [&](int count) {
    make_recordings(at / "whole", count);
    return command("whole");
  });
  const Files whole = files_in(at / "whole");
  ASSERT_EQ(whole.size(), 3U * recordings);
  make_recordings(at / "broken", recordings);
  for (const int signal : {SIGINT, SIGTERM}) {
    EXPECT_THAT(stop(command("broken"), signal),
                HasSubstr("of " + std::to_string(recordings) + " files are done"));
    const Files broken = files_in(at / "broken");
    EXPECT_TRUE(are_part_of(broken, whole));
    EXPECT_GT(broken.size(), 2U * recordings);
    EXPECT_LT(broken.size(), whole.size());
  }
  must(command("broken"));
  EXPECT_EQ(files_in(at / "broken"), whole);
}

TEST_F(InterruptTest, BuildDataset) {
  make_codes(at / "earlier", 1, 2, 10);
  const auto command = [](const std::string& input, const std::string& output) {
    return Words{"build-dataset",    "--input", input, "--output", output, "--num-workers", "1",
                 "--text-extension", ".lab"};
  };
  run_whole(120, [&](int speakers) {
    make_codes(at / "data", speakers, 20, 1000);
    return command("data", "whole");
  });
  const Files whole = files_in(at / "whole");
  ASSERT_GT(whole.size(), 1U);
  for (const int signal : {SIGINT, SIGTERM}) {
    stop(command("data", "new/broken"), signal);
    EXPECT_FALSE(fs::exists(at / "new/broken"));
  }
  must(command("earlier", "broken"));
  const Files earlier = files_in(at / "broken");
  EXPECT_THAT(stop(command("data", "broken"), SIGINT), HasSubstr("broken: is as it was"));
  EXPECT_EQ(files_in(at / "broken"), earlier);
  must(command("data", "broken"));
  EXPECT_EQ(files_in(at / "broken"), whole);
}

TEST_F(InterruptTest, Train) {
  make_checkpoint();
  make_codes(at / "data", 3, 6, 6);
  must({"build-dataset", "--input", "data", "--output", "data/protos", "--text-extension", ".lab"});
  const auto command = [](int steps) {
    return Words{"train",
                 "project=voice",
                 "pretrained_ckpt_path=../checkpoint",
                 "train_dataset.proto_files=../data/protos",
                 "val_dataset.proto_files=../data/protos",
                 "+lora@model.model.lora_config=r_8_alpha_16",
                 "trainer.max_steps=" + std::to_string(steps),
                 "trainer.limit_val_batches=1",
                 "data.batch_size=2",
                 "max_length=128"};
  };
  // Checkpoints name their own path: both runs have the same one, in folders of their own.
  const fs::path run = "results/voice";
  const auto rows = [&](const char* place) {
    return metrics_rows(at / place / run / "metrics.jsonl");
  };
  const auto checkpoint_of = [&](size_t step) {
    const std::string number = std::to_string(step);
    return run / "checkpoints" / ("step_" + std::string(9 - number.size(), '0') + number + ".ckpt");
  };
  working_folder = at / "whole";
  const int steps = run_whole(40, [&](int count) {
    fs::create_directories(working_folder);
    return command(count);
  });
  working_folder = at / "broken";
  fs::create_directories(working_folder);
  size_t done = 0;
  for (const int signal : {SIGINT, SIGTERM}) {
    EXPECT_THAT(stop(command(steps), signal),
                HasSubstr("of " + std::to_string(steps) + " is saved"));
    const size_t now = rows("broken").size();  // one a step
    EXPECT_GT(now, done);
    EXPECT_LT(now, static_cast<size_t>(steps));
    done = now;
    EXPECT_TRUE(fs::exists(at / "broken" / checkpoint_of(done)));
  }
  must(command(steps));
  EXPECT_EQ(rows("broken"), rows("whole"));
  const fs::path last = checkpoint_of(static_cast<size_t>(steps));
  EXPECT_TRUE(base::read_file(at / "broken" / last) == base::read_file(at / "whole" / last));
}

TEST_F(InterruptTest, Generate) {
  make_checkpoint();
  const auto command = [](const std::string& out, int samples) {
    return Words{"generate",
                 "--text",
                 "Hello.",
                 "--checkpoint-path",
                 "checkpoint",
                 "--max-new-tokens",
                 "120",
                 "--min-new-tokens",
                 "120",
                 "--output-dir",
                 out,
                 "--num-samples",
                 std::to_string(samples)};
  };
  const int samples = run_whole(3, [&](int count) { return command("whole", count); });
  const Files whole = files_in(at / "whole");
  ASSERT_EQ(whole.size(), static_cast<size_t>(samples));
  const auto first_is_there = [&] { return fs::exists(at / "broken/codes_0.npy"); };
  for (const int signal : {SIGINT, SIGTERM}) {
    EXPECT_THAT(stop(command("broken", samples), signal, first_is_there),
                HasSubstr("of " + std::to_string(samples) + " samples are written"));
    const Files broken = files_in(at / "broken");
    EXPECT_TRUE(are_part_of(broken, whole));
    EXPECT_LT(broken.size(), whole.size());
  }
  must(command("broken", samples));
  EXPECT_EQ(files_in(at / "broken"), whole);
}

TEST_F(InterruptTest, Say) {
  make_checkpoint();
  const auto command = [](const std::string& out, int segments) {
    std::string text;
    for (int i = 0; i < segments; ++i) text += "Hello again. ";
    return Words{"say",        "--text",           text,  "--checkpoint-path",
                 "checkpoint", "--max-new-tokens", "120", "--min-new-tokens",
                 "120",        "--chunk-length",   "15",  "-o",
                 out};
  };
  const int segments = run_whole(1, [&](int count) { return command("whole.wav", count); });
  for (const int signal : {SIGINT, SIGTERM}) {
    stop(command("broken.wav", segments), signal);
    EXPECT_FALSE(fs::exists(at / "broken.wav"));
  }
  must(command("broken.wav", segments));
  EXPECT_TRUE(base::read_file(at / "broken.wav") == base::read_file(at / "whole.wav"));
}

}  // namespace
}  // namespace koi::test
