// koi align as a person types it: prompts of two languages put behind each other are found again.
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "koi/audio/audio_file.h"
#include "koi/base/files.h"
#include "koi/base/random.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/terminal_program.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

struct Row {
  std::string file;
  double begin_s, end_s, confidence;
  std::string text;
};

std::vector<Row> read_table(const fs::path& path) {
  std::istringstream lines(base::read_file(path));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "file\tbegin_s\tend_s\tconfidence\ttext");
  std::vector<Row> rows;
  while (std::getline(lines, line)) {
    std::vector<std::string> fields(1);
    for (const char c : line) {
      if (c == '\t') {
        fields.emplace_back();
      } else {
        fields.back().push_back(c);
      }
    }
    EXPECT_EQ(fields.size(), 5U) << line;
    if (fields.size() != 5 || fields[1].empty()) continue;
    rows.push_back(
        {fields[0], std::stod(fields[1]), std::stod(fields[2]), std::stod(fields[3]), fields[4]});
  }
  return rows;
}

// Bytes that are no spaces.
size_t letters(const std::string& text) {
  return text.size() - static_cast<size_t>(std::count(text.begin(), text.end(), ' '));
}

class Align : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    prompts_ = std::make_unique<TempDir>();
    for (const char* language : {"en", "ru"}) {
      const RunResult made =
          run({"python3", KOI_SOURCE_DIR "/scripts/demo_data.py", prompts_->path().string(),
               "--minutes", "4.5", "--language", language, "--speaker", language});
      ASSERT_EQ(made.status, 0) << made.err;
    }
  }
  static void TearDownTestSuite() { prompts_.reset(); }

  struct Prompt {
    double begin_s, end_s;
    std::string text;
  };

  // Real prompts, shuffled, with pauses of 0.25 to 0.9 s between them: NAME.wav and NAME.txt.
  std::vector<Prompt> make_recording(const std::string& language, const std::string& name,
                                     size_t count) {
    auto files = base::list_files(prompts_->path() / language,
                                  [](const fs::path& path) { return path.extension() == ".wav"; });
    base::PythonRandom random(7);
    random.shuffle(files);
    files.resize(std::min(files.size(), count));
    audio::Audio<double> sound{1, 16000, {}};
    const auto pause = [&] {
      const double seconds = 0.25 + 0.65 * random.random();
      sound.samples.resize(sound.samples.size() + static_cast<size_t>(16000 * seconds), 0);
    };
    pause();
    std::vector<Prompt> prompts;
    std::string text;
    for (fs::path file : files) {
      const audio::Audio<double> prompt = audio::read_audio<double>(file);
      EXPECT_EQ(prompt.sample_rate_hz, 16000);
      const double begin_s = sound.duration_s();
      sound.samples.insert(sound.samples.end(), prompt.samples.begin(), prompt.samples.end());
      std::string words = base::read_file(file.replace_extension(".lab"));
      text += words;
      words.pop_back();
      prompts.push_back({begin_s, sound.duration_s(), words});
      pause();
    }
    fs::create_directories((at / name).parent_path());
    audio::write_audio(at / (name + ".wav"), sound, audio::kWav24);
    base::write_file(at / (name + ".txt"), text);
    return prompts;
  }

  json align(std::vector<std::string> arguments, int status = 0) {
    arguments.insert(arguments.begin(), "align");
    arguments.push_back("--json");
    const RunResult result = koi(arguments, at.path());
    EXPECT_EQ(result.status, status) << result.err;
    return json::parse(result.out);
  }

  // Of the clips' begins and ends that are those of prompts too, how many lie within 0.2 s of the
  // silence there, and the mean of the confidences that the clips have.
  struct Score {
    size_t right = 0, all = 0;
    double confidence = 0;
    double share() const { return static_cast<double>(right) / static_cast<double>(all); }
  };
  static Score score(const std::vector<Row>& rows, const std::vector<Prompt>& prompts) {
    // By how many letters stand before.
    std::map<size_t, double> begins, ends;
    size_t place = 0;
    for (const Prompt& prompt : prompts) {
      begins[place] = prompt.begin_s;
      place += letters(prompt.text);
      ends[place] = prompt.end_s;
    }
    Score score;
    const auto compare = [&](const std::map<size_t, double>& truth, double found_s, double inside,
                             double confidence) {
      const auto known = truth.find(place);
      if (known == truth.end()) return;
      ++score.all;
      score.confidence += confidence;
      // Clips keep 0.2 s of silence; prompts have some of their own inside.
      const double off_s = inside * (found_s - known->second);
      score.right += off_s > -0.2 - 0.01 && off_s < 0.4 ? 1 : 0;
    };
    place = 0;
    for (const Row& row : rows) {
      compare(begins, row.begin_s, 1, row.confidence);
      place += letters(row.text);
      compare(ends, row.end_s, -1, row.confidence);
    }
    EXPECT_EQ(place, ends.rbegin()->first);  // no word is lost
    score.confidence /= static_cast<double>(score.all);
    return score;
  }

  static std::unique_ptr<TempDir> prompts_;
  TempDir at;
};
std::unique_ptr<TempDir> Align::prompts_;

TEST_F(Align, RealSpeechOfTwoLanguages) {
  for (const std::string language : {"en", "ru"}) {
    const std::string name = "낭독/" + language;
    const auto prompts = make_recording(language, name, 80);
    const json summary = align(
        {name + ".wav", name + ".txt", "data", "--min-confidence", "0", "--speaker", language});
    const fs::path folder = at / "data" / language;
    const std::vector<Row> rows = read_table(folder / (language + ".align.tsv"));
    ASSERT_GT(rows.size(), 50U);
    EXPECT_EQ(summary["clips"], rows.size());
    const Score found = score(rows, prompts);
    EXPECT_GT(found.all, 100U) << language;
    EXPECT_GE(found.share(), 0.95) << language << ": " << found.right << " of " << found.all;
    EXPECT_NEAR(found.confidence, found.share(), 0.05) << language;
    RecordProperty(language, std::to_string(found.share()));
    for (const Row& row : rows) {
      const fs::path clip = folder / row.file;
      EXPECT_NEAR(audio::probe_audio(clip).duration_s(), row.end_s - row.begin_s, 0.002);
      EXPECT_EQ(audio::probe_audio(clip).format, audio::kWav24);
      EXPECT_EQ(base::read_file(fs::path(clip).replace_extension(".lab")), row.text + "\n");
      EXPECT_LT(row.end_s - row.begin_s, 32);
    }
  }
}

TEST_F(Align, AFolderOnceAndAgain) {
  make_recording("en", "녹음/철수/첫째", 20);
  make_recording("ru", "녹음/철수/둘째", 20);
  fs::rename(at / "녹음/철수/둘째.txt", at / "녹음/철수/둘째.lab");
  fs::copy_file(at / "녹음/철수/둘째.wav", at / "녹음/철수/셋째.wav");
  const json first = align({"녹음", "data"}, 1);
  EXPECT_EQ(first["done"], 2);
  EXPECT_EQ(first["failed"], 1);
  EXPECT_THAT(first["problems"][0]["message"].get<std::string>(),
              HasSubstr("셋째.wav: has no transcript beside it"));
  EXPECT_TRUE(fs::exists(at / "data/철수/첫째_0001.wav"));
  EXPECT_TRUE(fs::exists(at / "data/철수/둘째_0001.lab"));
  fs::remove(at / "녹음/철수/셋째.wav");
  EXPECT_EQ(align({"녹음", "data"})["skipped"], 2);
  base::write_file(at / "data/철수/첫째_9999.wav", "of an earlier run");
  EXPECT_EQ(align({"녹음", "data", "--overwrite"})["done"], 2);
  EXPECT_FALSE(fs::exists(at / "data/철수/첫째_9999.wav"));
  // A bound that nothing reaches leaves all out, and says so.
  const RunResult none =
      koi({"align", "녹음", "data", "--overwrite", "--min-confidence", "1"}, at.path());
  EXPECT_THAT(none.out, HasSubstr("left out for a confidence under 1: "));
  const RunResult twin = koi({"align", "녹음", "녹음"}, at.path());
  EXPECT_EQ(twin.status, 1);
  EXPECT_THAT(twin.err, HasSubstr("is the recording's own folder"));
}

TEST_F(Align, WhatDoesNotFit) {
  make_recording("en", "a", 30);
  make_recording("ru", "b", 40);
  const auto refusal = [&](const std::vector<std::string>& paths) {
    std::vector<std::string> command{"align"};
    command.insert(command.end(), paths.begin(), paths.end());
    const RunResult result = koi(command, at.path());
    EXPECT_NE(result.status, 0);
    EXPECT_FALSE(fs::exists(at / "out")) << result.out;
    return result.err;
  };
  EXPECT_THAT(refusal({"a.wav", "b.txt", "out"}),
              HasSubstr("is not what is said there: the mean confidence is 0."));
  base::write_file(at / "empty.txt", " \n...\n");
  EXPECT_THAT(refusal({"a.wav", "empty.txt", "out"}), HasSubstr("nothing to say"));
  base::write_file(at / "long.txt", std::string(100000, 'a') + " b. ");
  EXPECT_THAT(refusal({"a.wav", "long.txt", "out"}), HasSubstr("it takes about"));
  base::write_file(at / "bad.txt", "\xFF\xFE\xFD");
  EXPECT_THAT(refusal({"a.wav", "bad.txt", "out"}), HasSubstr("bad.txt: is not valid UTF-"));
  audio::write_audio(at / "silent.wav", {1, 16000, std::vector<double>(16000, 0)}, audio::kWav24);
  EXPECT_THAT(refusal({"silent.wav", "a.txt", "out"}), HasSubstr("is silent"));
  EXPECT_THAT(refusal({"a.txt", "a.txt", "out"}), HasSubstr("a.txt"));
  EXPECT_THAT(refusal({"missing.wav", "a.txt", "out"}), HasSubstr("no such file"));
  EXPECT_THAT(refusal({"a.wav", "out"}), HasSubstr("give RECORDING TEXT OUT"));
  EXPECT_THAT(refusal({"a.wav", "a.txt", "out", "--speaker", "../x"}),
              HasSubstr("is no name of a folder"));
}

TEST_F(Align, OnePrompt) {
  const auto prompts = make_recording("en", "raw/one", 1);
  EXPECT_EQ(align({"raw/one.wav", "raw/one.txt", "data"})["clips"], 1);
  EXPECT_EQ(base::read_file(at / "data/raw/one_0001.lab"), prompts[0].text + "\n");
}

TEST_F(Align, FilesThatOnlyHaveSuchNamesStay) {
  make_recording("en", "raw/one", 1);
  fs::create_directories(at / "data/raw");
  base::write_file(at / "data/raw/one_0001.wav", "somebody's own");
  const RunResult refused = koi({"align", "raw/one.wav", "raw/one.txt", "data"}, at.path());
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("did not make it"));
  EXPECT_EQ(base::read_file(at / "data/raw/one_0001.wav"), "somebody's own");
  EXPECT_EQ(align({"raw/one.wav", "raw/one.txt", "data", "--overwrite"})["clips"], 1);
  // What a killed run left is its own, though it has no table.
  fs::remove(at / "data/raw/one.align.tsv");
  base::write_file(at / "data/raw/.one.align-begun", "");
  base::write_file(at / "data/raw/one_0007.wav", "left over");
  EXPECT_EQ(align({"raw/one.wav", "raw/one.txt", "data"})["clips"], 1);
  EXPECT_FALSE(fs::exists(at / "data/raw/one_0007.wav"));
  EXPECT_FALSE(fs::exists(at / "data/raw/.one.align-begun"));
}

TEST_F(Align, StoppedItGoesOn) {
  make_recording("en", "raw/a", 80);
  constexpr int kCopies = 30;  // some are left when the signal comes
  for (int copy = 0; copy < kCopies; ++copy) {
    const std::string name = "b" + std::to_string(copy);
    for (const char* extension : {".wav", ".txt"})
      fs::copy_file(at / ("raw/a" + std::string(extension)), at / ("raw/" + name + extension));
  }
  TerminalProgram program({KOI_BINARY_DIR "/koi", "align", "raw", "data", "--num-workers", "1"},
                          at.path());
  EXPECT_TRUE(program.wait_until([](const std::string& said) {
    return said.find("align ") != std::string::npos;
  })) << program.said();
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(), 128 + SIGINT) << program.said();
  EXPECT_THAT(program.said(), HasSubstr("the same command goes on from here"));
  const json again = align({"raw", "data"});
  EXPECT_EQ(again["done"].get<int>() + again["skipped"].get<int>(), 1 + kCopies);
  EXPECT_GT(again["done"], 0);
  EXPECT_EQ(base::read_file(at / "data/raw/a_0001.lab"),
            base::read_file(at / "data/raw/b9_0001.lab"));
}

}  // namespace
}  // namespace koi::test
