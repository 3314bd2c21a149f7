#include "koi/audio/normalize_folder.h"

#include <gmock/gmock.h>

#include <cmath>

#include "koi/base/error.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::audio {
namespace {

using base::read_file;
using base::write_file;
using testing::HasSubstr;
namespace fs = base::fs;

class NormalizeFolder : public testing::Test {
 protected:
  NormalizeFolder() : input(dir / "raw"), output(dir / "out") {
    fs::create_directories(input / "민지");
    write_tone("민지/a.wav");
    write_file(input / "민지/a.lab", "안녕");
    write_tone("B.WAV");
  }

  void write_tone(const std::string& name, size_t count = 16000) {
    std::vector<float> samples(count);
    for (size_t t = 0; t < count; ++t) samples[t] = 0.1F * std::sin(0.3F * static_cast<float>(t));
    write_wav_pcm16(input / name, samples, 16000);
  }

  NormalizeReport run(const NormalizeOptions& options = {}) {
    return normalize_folder(input, output, options);
  }

  const test::TempDir dir;
  fs::path input;
  fs::path output;
};

TEST_F(NormalizeFolder, RecordingsAndTheirTranscriptsCome) {
  write_file(input / "민지/a.npy", "codes of the audio before");
  write_file(input / ".hidden", "");
  fs::create_symlink("nowhere", input / ".#b.lab");  // as an editor leaves
  const NormalizeReport report = run();
  EXPECT_EQ(report.folder.done, 2U);
  EXPECT_EQ(report.folder.side_files, 1U);
  EXPECT_EQ(report.folder.failed, 0U);
  EXPECT_NEAR(integrated_loudness(read_audio<double>(output / "민지/a.wav"), {}), -23, 0.01);
  EXPECT_TRUE(fs::exists(output / "B.WAV"));
  EXPECT_EQ(read_file(output / "민지/a.lab"), "안녕");
  EXPECT_FALSE(fs::exists(output / "민지/a.npy"));
  EXPECT_FALSE(fs::exists(output / ".hidden"));
}

TEST_F(NormalizeFolder, ASecondRunSkipsWhatIsDone) {
  run();
  write_file(output / "B.WAV", "kept");
  write_tone("c.wav");
  const NormalizeReport second = run();
  EXPECT_EQ(second.folder.done, 1U);
  EXPECT_EQ(second.folder.skipped, 2U);
  EXPECT_EQ(second.folder.side_files, 0U);
  EXPECT_EQ(read_file(output / "B.WAV"), "kept");
  EXPECT_EQ(run({.folder = {.overwrite = true}}).folder.done, 3U);
  EXPECT_NE(read_file(output / "B.WAV"), "kept");
}

TEST_F(NormalizeFolder, BadFilesAreReportedAndTheOthersGoOn) {
  write_file(input / "bad.wav", "no sound");
  write_file(input / "other.m4a", std::string("\0\0\0\x20", 4) + "ftypM4A ");
  write_tone("short.wav", 100);
  write_wav_pcm16(input / "silent.wav", std::vector<float>(16000, 0.0F), 16000);
  const NormalizeReport report = run();
  EXPECT_EQ(report.folder.done, 2U);
  EXPECT_EQ(report.folder.failed, 2U);
  EXPECT_EQ(report.folder.unchanged, 2U);
  ASSERT_EQ(report.folder.problems.size(), 4U);
  EXPECT_EQ(report.folder.problems[1].path, "other.m4a");
  EXPECT_THAT(report.folder.problems[1].message, HasSubstr("MPEG-4"));
  EXPECT_THAT(report.folder.problems[2].message, HasSubstr("too short"));
  EXPECT_THAT(report.folder.problems[3].message, HasSubstr("silent"));
  EXPECT_EQ(read_file(output / "silent.wav"), read_file(input / "silent.wav"));
  EXPECT_EQ(read_file(output / "short.wav"), read_file(input / "short.wav"));
  EXPECT_FALSE(fs::exists(output / "bad.wav"));
}

// AAC can be read (by ffmpeg), but not written.
TEST_F(NormalizeFolder, WhatCannotBeWrittenBecomesWav) {
  const auto encode = [this](const std::string& from, const std::string& to) {
    ASSERT_EQ(
        test::run({"ffmpeg", "-v", "error", "-i", (input / from).string(), (input / to).string()})
            .status,
        0);
  };
  encode("B.WAV", "x.m4a");
  encode("B.WAV", "y.m4a");
  encode("B.WAV", "y.webm");
  const NormalizeReport report = run();
  EXPECT_EQ(report.folder.done, 3U);
  EXPECT_EQ(report.as_wav, 1U);
  EXPECT_EQ(probe_audio(output / "x.wav").format, kWav24);
  EXPECT_NEAR(integrated_loudness(read_audio<double>(output / "x.wav"), {}), -23, 0.01);
  // Both would be y.wav.
  ASSERT_EQ(report.folder.failed, 2U);
  EXPECT_THAT(report.folder.problems[0].message, HasSubstr("another recording has its name"));
  EXPECT_FALSE(fs::exists(output / "y.wav"));
  EXPECT_EQ(run().folder.skipped, 3U);
}

TEST_F(NormalizeFolder, SkipBadLeavesThemOut) {
  write_tone("short.wav", 100);
  const NormalizeReport report = run({.skip_bad = true});
  EXPECT_EQ(report.folder.left_out, 1U);
  EXPECT_EQ(report.folder.unchanged, 0U);
  EXPECT_FALSE(fs::exists(output / "short.wav"));
}

TEST_F(NormalizeFolder, CleanEmptiesTheOutput) {
  fs::create_directories(output / "old/deep");
  write_file(output / "old/deep/x.wav", "stale");
  EXPECT_EQ(run({.folder = {.clean = true}}).folder.done, 2U);
  EXPECT_FALSE(fs::exists(output / "old"));
}

TEST_F(NormalizeFolder, CleanNeverDeletesTheRecordings) {
  fs::create_directory_symlink(input, dir / "link");
  for (const fs::path& bad : {input, input / "민지", input / "new", input / ".." / "raw",
                              dir.path(), dir / "link", fs::path("/")}) {
    try {
      normalize_folder(input, bad, {.folder = {.clean = true}});
      ADD_FAILURE() << bad << " was cleaned";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what();
    }
    EXPECT_TRUE(fs::exists(input / "민지/a.wav")) << bad;
  }
}

TEST_F(NormalizeFolder, InPlaceOnlyWithOverwrite) {
  const std::string before = read_file(input / "B.WAV");
  EXPECT_EQ(normalize_folder(input, input, {}).folder.skipped, 2U);
  EXPECT_EQ(read_file(input / "B.WAV"), before);
  EXPECT_EQ(normalize_folder(input, input, {.folder = {.overwrite = true}}).folder.done, 2U);
  EXPECT_NE(read_file(input / "B.WAV"), before);
}

TEST_F(NormalizeFolder, AnOutputInsideTheInputIsNotTakenForInput) {
  output = input / "norm";
  EXPECT_EQ(run().folder.done, 2U);
  EXPECT_EQ(run().folder.skipped, 2U);
  EXPECT_FALSE(fs::exists(output / "norm"));
}

TEST_F(NormalizeFolder, FoldersBelowOnlyIfRecursive) {
  EXPECT_EQ(run({.folder = {.recursive = false}}).folder.done, 1U);
  EXPECT_FALSE(fs::exists(output / "민지"));
}

TEST_F(NormalizeFolder, NamesWithASlashAtTheEndOrADot) {
  EXPECT_EQ(normalize_folder(input.string() + "/", output.string() + "/", {}).folder.done, 2U);
  EXPECT_TRUE(fs::exists(output / "민지/a.wav"));
  EXPECT_EQ(normalize_folder(input / ".", output / ".", {}).folder.skipped, 2U);
}

TEST_F(NormalizeFolder, WhatStandsInTheWayIsNamed) {
  fs::create_directories(output / "B.WAV");
  const NormalizeReport report = run();
  EXPECT_EQ(report.folder.done, 1U);
  ASSERT_EQ(report.folder.problems.size(), 1U);
  EXPECT_THAT(report.folder.problems[0].message, HasSubstr("B.WAV"));
  write_file(dir / "file", "");
  EXPECT_THROW(normalize_folder(input, dir / "file", {}), Error);
}

TEST_F(NormalizeFolder, FoldersWithoutRecordingsAreAnError) {
  EXPECT_THROW(normalize_folder(dir / "nowhere", output, {}), Error);
  fs::create_directory(dir / "empty");
  EXPECT_THROW(normalize_folder(dir / "empty", output, {}), Error);
  EXPECT_FALSE(fs::exists(output));
}

TEST_F(NormalizeFolder, TheCallSeesEveryFileOnce) {
  std::vector<fs::path> seen;
  normalize_folder(input, output, {.folder = {.workers = 4}},
                   [&](const NormalizedFile& result) { seen.push_back(result.file.path); });
  EXPECT_THAT(seen, testing::UnorderedElementsAre("B.WAV", "민지/a.wav"));
}

}  // namespace
}  // namespace koi::audio
