#include "koi/audio/slice_folder.h"

#include <gmock/gmock.h>
#include <sndfile.h>

#include <cmath>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::audio {
namespace {

using base::read_file;
using base::write_file;
using testing::HasSubstr;
namespace fs = base::fs;

class SliceFolder : public testing::Test {
 protected:
  SliceFolder() : input(dir / "raw"), output(dir / "out") {
    fs::create_directories(input / "민지");
    write("민지/long.wav", {6, 1, 6, 1, 6});
    write("short.WAV", {2});
  }

  // Seconds of tone and silence in turns; the second channel is silent.
  void write(const std::string& name, const std::vector<double>& seconds) {
    Audio<double> audio{2, 8000, {}};
    for (size_t i = 0; i < seconds.size(); ++i) {
      for (int64_t t = 0; t < std::llround(seconds[i] * 8000); ++t) {
        audio.samples.push_back(i % 2 == 0 ? 0.3 * std::sin(0.2 * static_cast<double>(t)) : 0.0);
        audio.samples.push_back(0);
      }
    }
    write_audio(input / name, audio, SF_FORMAT_WAV | SF_FORMAT_PCM_24);
  }

  SliceReport run(const SliceFolderOptions& options = {}) {
    return slice_folder(input, output, options);
  }

  const test::TempDir dir;
  fs::path input, output;
};

TEST_F(SliceFolder, EachRecordingBecomesAFolderOfPieces) {
  const SliceReport report = run();
  EXPECT_EQ(report.folder.done, 2U);
  EXPECT_EQ(report.pieces, 4U);
  for (const char* name : {"민지/long/0000.wav", "민지/long/0001.wav", "민지/long/0002.wav"}) {
    const AudioInfo info = probe_audio(output / name);
    EXPECT_EQ(info.channels, 2);
    EXPECT_EQ(info.sample_rate_hz, 8000);
    EXPECT_EQ(info.format, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
    EXPECT_NEAR(info.duration_s(), 6.5, 0.6);
  }
  EXPECT_EQ(probe_audio(output / "short/0000.wav").frames, 16000);
  EXPECT_NEAR(report.pieces_s, 22, 1);
}

TEST_F(SliceFolder, FlatPiecesLieBesideEachOther) {
  EXPECT_EQ(run({.flat = true}).pieces, 4U);
  EXPECT_TRUE(fs::exists(output / "민지/long_0002.wav"));
  EXPECT_TRUE(fs::exists(output / "short_0000.wav"));
  EXPECT_EQ(run({.flat = true}).folder.skipped, 2U);
}

TEST_F(SliceFolder, ASecondRunDoesWhatIsNotFinished) {
  run();
  const std::string before = read_file(output / "민지/long/0001.wav");
  // Killed in the midst: the first piece comes last.
  fs::remove(output / "민지/long/0000.wav");
  write_file(output / "민지/long/0001.wav", "old");
  const SliceReport second = run();
  EXPECT_EQ(second.folder.done, 1U);
  EXPECT_EQ(second.folder.skipped, 1U);
  EXPECT_EQ(read_file(output / "민지/long/0001.wav"), before);
}

TEST_F(SliceFolder, OverwritingLeavesNoOldPiece) {
  write_file(input / "short.lab", "words");
  run();
  write_file(output / "민지/long/notes.txt", "mine");
  const SliceReport again = run({.slice = {.min_duration_s = 20}, .folder = {.overwrite = true}});
  EXPECT_EQ(again.pieces, 2U);
  EXPECT_FALSE(fs::exists(output / "민지/long/0001.wav"));
  EXPECT_TRUE(fs::exists(output / "민지/long/notes.txt"));
  EXPECT_EQ(read_file(output / "short/0000.lab"), "words");
}

TEST_F(SliceFolder, OnlyAnUncutRecordingKeepsItsTranscript) {
  write_file(input / "민지/long.lab", "all of the words");
  write_file(input / "short.txt", "hello");
  const SliceReport report = run();
  EXPECT_EQ(report.transcripts, 1U);
  EXPECT_EQ(read_file(output / "short/0000.txt"), "hello");
  ASSERT_EQ(report.folder.problems.size(), 1U);
  EXPECT_EQ(report.folder.problems[0].outcome, FileOutcome::done);
  EXPECT_THAT(report.folder.problems[0].message, HasSubstr("its 3 pieces have no transcript"));
}

TEST_F(SliceFolder, BadAndSilentFilesAreNamed) {
  write_file(input / "bad.flac", "no sound");
  write("short.aiff", {1});  // would have the pieces of short.WAV
  Audio<double> silence{1, 8000, std::vector<double>(80000, 0.0)};
  write_audio(input / "silent.wav", silence, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
  const SliceReport report = run();
  EXPECT_EQ(report.folder.done, 1U);
  EXPECT_EQ(report.folder.failed, 3U);
  EXPECT_EQ(report.folder.left_out, 1U);
  EXPECT_FALSE(fs::exists(output / "short"));
}

TEST_F(SliceFolder, PiecesAreNotWrittenAmongTheRecordings) {
  output = input / "민지/..";
  EXPECT_THROW(run({.folder = {.overwrite = true}}), Error);
  EXPECT_FALSE(fs::exists(input / "short"));
}

TEST_F(SliceFolder, OptionsAreCheckedBeforeAnythingIsDeleted) {
  fs::create_directories(output);
  write_file(output / "kept", "");
  EXPECT_THROW(run({.slice = {.min_duration_s = -1}, .folder = {.clean = true}}), Error);
  EXPECT_TRUE(fs::exists(output / "kept"));
}

}  // namespace
}  // namespace koi::audio
