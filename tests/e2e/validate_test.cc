// koi validate as a person types it.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>

#include "koi/audio/audio_file.h"
#include "koi/base/files.h"
#include "tests/support/goldens.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/terminal_program.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class Validate : public testing::Test {
 protected:
  // Real recordings of one speaker, a minute.
  void make_recordings(const std::string& language) {
    const RunResult made =
        run({"python3", KOI_SOURCE_DIR "/scripts/demo_data.py", (at / "raw").string(), "--minutes",
             "1", "--language", language, "--speaker", language});
    ASSERT_EQ(made.status, 0) << made.err;
  }

  // The first recording of a speaker, without its extension.
  fs::path first(const std::string& speaker) const {
    const auto files = base::list_files(
        at / "raw" / speaker, [](const fs::path& path) { return path.extension() == ".wav"; });
    return fs::path(files.at(0)).replace_extension();
  }

  json validate(int status, std::vector<std::string> more = {}) {
    std::vector<std::string> command{"validate", "raw", "--json"};
    command.insert(command.end(), more.begin(), more.end());
    const RunResult result = koi(command, at.path());
    EXPECT_EQ(result.status, status) << result.err;
    return json::parse(result.out);
  }

  static size_t count(const json& report, const std::string& kind) {
    return static_cast<size_t>(
        std::count_if(report["findings"].begin(), report["findings"].end(),
                      [&](const json& finding) { return finding["kind"] == kind; }));
  }

  TempDir at;
};

TEST_F(Validate, RealRecordingsOfTwoLanguages) {
  make_recordings("en");
  make_recordings("ru");
  const json report = validate(0);
  ASSERT_EQ(report["speakers"].size(), 2U);
  EXPECT_EQ(report["speakers"][0]["script"], "Latin");
  EXPECT_EQ(report["speakers"][1]["script"], "Cyrillic");
  for (const json& speaker : report["speakers"]) {
    EXPECT_NEAR(speaker["loudness_lufs"].get<double>(), -18, 4);
    EXPECT_NEAR(speaker["letters_per_s"].get<double>(), 13, 4);
  }
  EXPECT_EQ(report["usable"], report["recordings"]);
  // They are G.722, sampled at 16 kHz.
  EXPECT_EQ(count(report, "narrow-band"), report["recordings"]);
  EXPECT_FALSE(report["harms"]);
}

TEST_F(Validate, DamagedRealRecordingsAreNamed) {
  make_recordings("en");
  make_recordings("ru");
  // One through a telephone, one cut, one twice, one text in UTF-16, one of the other speaker.
  const std::string en = first("en").string(), ru = first("ru").string();
  const auto ffmpeg = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"ffmpeg", "-nostdin", "-v", "error", "-y"});
    ASSERT_EQ(run(words).status, 0);
  };
  ffmpeg({"-i", en + ".wav", "-ar", "8000", en + "-8k.wav"});
  ffmpeg({"-i", en + "-8k.wav", "-ar", "44100", ru + "-up.wav"});
  ffmpeg({"-i", ru + ".wav", ru + "-again.flac"});
  fs::copy_file(en + ".lab", ru + "-up.lab");
  fs::copy_file(ru + ".lab", ru + "-again.lab");
  fs::copy_file(ru + ".lab", en + "-8k.lab");
  fs::copy_file(ru + ".wav", ru + "-cut.wav");
  fs::resize_file(ru + "-cut.wav", fs::file_size(ru + ".wav") / 2);
  const json report = validate(1);
  EXPECT_EQ(count(report, "telephone"), 2U);
  EXPECT_EQ(count(report, "other-script"), 2U);
  EXPECT_EQ(count(report, "duplicate-audio"), 1U);
  EXPECT_EQ(count(report, "unreadable"), 1U);
  EXPECT_EQ(count(report, "no-transcript"), 1U);
  validate(0, {"--lenient"});
  const RunResult shown = koi({"validate", "raw", "--num-workers", "1"}, at.path());
  EXPECT_EQ(shown.status, 1);
  EXPECT_THAT(shown.out, HasSubstr("would harm training:\n  unreadable (1)"));
  EXPECT_THAT(shown.out, HasSubstr("-cut.wav: is truncated"));
  EXPECT_THAT(shown.out, HasSubstr("-> copy or record it again"));
}

TEST_F(Validate, AMendedCopyIsSound) {
  make_recordings("en");
  const std::string en = first("en").string();
  fs::copy_file(en + ".wav", en + "-again.wav");
  base::write_file(en + "-empty.wav", "");
  base::write_file(en + ".lab", "<b>" + base::read_file(en + ".lab") + "</b> &amp; so on");
  const json mended = validate(0, {"--fix", "mended"});
  EXPECT_EQ(mended["copy"]["left_out"], 2);
  EXPECT_EQ(mended["copy"]["mended"], 1);
  EXPECT_EQ(mended["copy"]["files"].size(), 3U);
  const RunResult shown = koi({"validate", "raw", "--fix", "mended"}, at.path());
  EXPECT_THAT(shown.out, HasSubstr("-again.wav: left out: is the same recording as"));
  EXPECT_THAT(shown.out, HasSubstr("0 mended, 0 as they are, 2 left out"));
  const RunResult after = koi({"validate", "mended", "--json"}, at.path());
  EXPECT_EQ(after.status, 0);
  const json left = json::parse(after.out);
  EXPECT_EQ(count(left, "narrow-band"), left["recordings"]);
  for (const json& finding : left["findings"])
    EXPECT_THAT(finding["fix"].get<std::string>(), Not(HasSubstr("--fix"))) << finding;
  EXPECT_EQ(koi({"validate", "raw", "--fix", "raw/copy"}, at.path()).status, 2);
}

TEST_F(Validate, StoppedInTheMidstOfTheCopyItGoesOn) {
  fs::create_directories(at / "raw");
  constexpr int kFiles = 400;
  std::vector<float> samples(24000);
  for (int i = 0; i < kFiles; ++i) {
    for (size_t t = 0; t < samples.size(); ++t)
      samples[t] =
          0.1F * std::sin(static_cast<float>(t) * (0.05F + 0.001F * static_cast<float>(i)));
    const std::string name = "raw/" + std::to_string(i);
    audio::write_wav_pcm16(at / (name + ".wav"), samples, 24000);
    base::write_file(at / (name + ".lab"), "words that are number " + std::to_string(i));
  }
  TerminalProgram program({KOI_BINARY_DIR "/koi", "validate", "raw", "--fix", "mended"}, at.path());
  EXPECT_TRUE(program.wait_until([](const std::string& said) {
    return said.find("\x1b[Kfix ") != std::string::npos;
  })) << program.said();
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(), 128 + SIGINT) << program.said();
  EXPECT_THAT(program.said(), HasSubstr("koi: interrupted: the same command goes on"));
  // Temporary files, which have no extension, would count too.
  const auto in_copy = [this](const char* extension) {
    return base::list_files(at / "mended",
                            [&](const fs::path& path) {
                              return path.extension() == extension || path.extension().empty();
                            })
        .size();
  };
  EXPECT_LT(in_copy(".wav"), static_cast<size_t>(kFiles));
  const size_t before = in_copy(".wav");
  const RunResult again = koi({"validate", "raw", "--fix", "mended", "--json"}, at.path());
  const json copy = json::parse(again.out)["copy"];
  EXPECT_EQ(copy["skipped"], before);
  EXPECT_EQ(copy["unchanged"], kFiles - before);
  EXPECT_EQ(in_copy(".wav"), static_cast<size_t>(kFiles));
}

TEST_F(Validate, ThePageIsWholeAndFindsItsRecordings) {
  make_recordings("en");
  const RunResult shown = koi({"validate", "raw", "--html", "page.html"}, at.path());
  EXPECT_EQ(shown.status, 0) << shown.err;
  const std::string page = base::read_file(at / "page.html");
  EXPECT_THAT(page, HasSubstr("src=\"" + fs::relative(first("en"), at.path()).string() + ".wav\""));
  EXPECT_EQ(koi({"validate", "raw", "--html", "no/page.html"}, at.path()).status, 1);
}

TEST_F(Validate, FinetuneLooksFirst) {
  KOI_REQUIRE_GOLDEN("lm/tiny/model.pth");
  make_recordings("en");
  fs::create_directories(at / "checkpoint");
  base::write_file(at / "checkpoint/firefly-gan-vq-fsq-8x1024-21hz-generator.pth", "no codec");
  fs::copy(golden("lm/tiny/model.pth"), at / "checkpoint");
  // Which steps were begun.
  const auto steps = [this](std::vector<std::string> more) {
    std::vector<std::string> command{"finetune",          "raw",        "--name", "en",
                                     "--checkpoint-path", "checkpoint", "--json"};
    command.insert(command.end(), more.begin(), more.end());
    const RunResult result = koi(command, at.path());
    EXPECT_EQ(result.status, 1) << result.err;
    std::vector<std::string> names;
    const json summary = json::parse(result.out);
    for (const json& step : summary["steps"]) names.push_back(step["name"]);
    return names;
  };
  using testing::ElementsAre;
  EXPECT_THAT(steps({"--strict"}), ElementsAre("validate", "loudness-norm", "extract-vq"));
  fs::remove(first("en").string() + ".lab");
  EXPECT_THAT(steps({"--strict"}), ElementsAre("validate"));
  EXPECT_THAT(steps({}), ElementsAre("validate", "loudness-norm", "extract-vq"));
  fs::remove_all(at / "results");
  for (int run = 0; run < 2; ++run)  // nothing is usable, however often one tries
    EXPECT_THAT(steps({"--text-extension", ".txt"}), ElementsAre("validate"));
}

TEST_F(Validate, HostileNamesStayOnOneLine) {
  fs::create_directories(at / "raw");
  base::write_file(at / "raw/a\nb\xFF.wav", "no sound");
  const RunResult shown = koi({"validate", "raw"}, at.path());
  EXPECT_EQ(shown.status, 1);
  EXPECT_THAT(shown.out, HasSubstr("a\\nb\\xff.wav"));
  EXPECT_EQ(validate(1)["usable"], 0);
  validate(1, {"--lenient"});
}

TEST_F(Validate, WhatIsNoFolderOfRecordings) {
  EXPECT_EQ(koi({"validate", "missing"}, at.path()).status, 1);
  fs::create_directories(at / "raw");
  const RunResult empty = koi({"validate", "raw"}, at.path());
  EXPECT_EQ(empty.status, 1);
  EXPECT_THAT(empty.err, HasSubstr("holds no recordings"));
  EXPECT_EQ(koi({"validate", "raw", "--codebook-size", "0"}, at.path()).status, 2);
}

}  // namespace
}  // namespace koi::test
