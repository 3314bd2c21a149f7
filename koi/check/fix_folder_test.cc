#include "koi/check/fix_folder.h"

#include <gmock/gmock.h>
#include <sndfile.h>

#include <cmath>

#include "koi/base/error.h"
#include "koi/base/random.h"
#include "koi/checkpoint/npy.h"
#include "tests/support/temp_dir.h"

namespace koi::check {
namespace {

namespace fs = base::fs;
using audio::Audio;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kRate_hz = 44100;

class FixFolder : public testing::Test {
 protected:
  Audio<double> noise(double seconds) {
    base::PythonRandom random(++seed_);
    Audio<double> audio{2, kRate_hz, {}};
    audio.samples.resize(2 * static_cast<size_t>(std::lround(seconds * kRate_hz)));
    for (double& sample : audio.samples) sample = 0.1 * (2 * random.random() - 1);
    return audio;
  }

  // Between silences, off the zero line.
  Audio<double> faulty(double head_s, double tail_s) {
    Audio<double> audio = noise(1);
    const auto samples = [](double seconds) { return 2 * static_cast<size_t>(seconds * kRate_hz); };
    audio.samples.insert(audio.samples.begin(), samples(head_s), 0.0);
    audio.samples.insert(audio.samples.end(), samples(tail_s), 0.0);
    for (double& sample : audio.samples) sample += 0.03;
    return audio;
  }

  void add(const std::string& name, const Audio<double>& audio, const std::string& text,
           int format = SF_FORMAT_WAV | SF_FORMAT_PCM_16) {
    base::make_folder((raw / name).parent_path());
    audio::write_audio(raw / name, audio, format);
    base::write_file((raw / name).replace_extension(".lab"), text);
  }

  audio::FolderReport fix() { return fix_folder(check_folder(raw, {}), {.output = mended}); }

  static std::vector<std::string> kinds(const fs::path& folder) {
    std::vector<std::string> names;
    for (const Finding& finding : check_folder(folder, {}).findings)
      names.emplace_back(info_of(finding.kind).name);
    return names;
  }

  test::TempDir dir;
  fs::path raw = dir / "raw", mended = dir / "mended";
  uint64_t seed_ = 0;
};

TEST_F(FixFolder, WhatItDoesIsNotFoundAgain) {
  add("민지/good.wav", noise(1), "plain words that are said");
  add("민지/ends.wav", faulty(1, 0.1), "words [x] that are &amp; said");
  add("민지/same.flac", audio::read_audio<double>(raw / "민지/good.wav"),
      "plain words that are said", SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  add("민지/tags.wav", noise(1), "<b>tagged</b> words that are said");
  add("k/cp949.wav", noise(1), "\xBE\xC8\xB3\xE7\xC7\xCF\xBC\xBC\xBF\xE4.");
  add("k/utf16.wav", noise(1), std::string("\xFF\xFEw\0o\0r\0d\0", 10));
  add("k/bad.wav", noise(1), "lost");
  fs::resize_file(raw / "k/bad.wav", 20'000);
  const Report before = check_folder(raw, {});
  EXPECT_TRUE(before.harms());
  EXPECT_FALSE(before.harms(Report::After::fix));
  const audio::FolderReport report = fix();
  EXPECT_EQ(report.done, 4U);
  EXPECT_EQ(report.unchanged, 1U);
  EXPECT_EQ(report.left_out, 2U);
  EXPECT_EQ(report.failed, 0U);
  EXPECT_EQ(report.problems.size(), 6U);
  EXPECT_THAT(kinds(mended), IsEmpty());
  EXPECT_EQ(base::read_file(mended / "k/cp949.lab"), "안녕하세요.\n");
  EXPECT_EQ(base::read_file(mended / "k/utf16.lab"), "word\n");
  EXPECT_EQ(base::read_file(mended / "민지/ends.lab"), "words that are & said\n");
  EXPECT_EQ(base::read_file(mended / "민지/good.wav"), base::read_file(raw / "민지/good.wav"));
  EXPECT_FALSE(fs::exists(mended / "k/bad.lab"));
}

TEST_F(FixFolder, OnlySilenceAndOffsetGo) {
  const Audio<double> audio = faulty(1, 0.1);
  add("a.wav", audio, "words that are said");
  fix();
  const Audio<double> after = audio::read_audio<double>(mended / "a.wav");
  // 0.2 s of the second in front stay, the tenth behind stays.
  ASSERT_EQ(after.frames(), static_cast<int64_t>(1.3 * kRate_hz));
  const size_t shift = 2 * static_cast<size_t>(0.8 * kRate_hz);
  double largest = 0;
  for (size_t i = 0; i < after.samples.size(); ++i)
    largest = std::max(largest, std::abs(after.samples[i] - (audio.samples[i + shift] - 0.03)));
  // 16 bits, and what the mean of the noise is not 0.
  EXPECT_LT(largest, 0.001);
  EXPECT_EQ(check_folder(raw, {}).recordings[0].sound->frames, audio.frames());
}

TEST_F(FixFolder, LossyRecordingsAreNotEncodedTwice) {
  add("a.ogg", faulty(1, 1), "words that are said", SF_FORMAT_OGG | SF_FORMAT_VORBIS);
  add("b.ogg", noise(1), "other words that are said", SF_FORMAT_OGG | SF_FORMAT_VORBIS);
  fix();
  EXPECT_EQ(audio::probe_audio(mended / "a.wav").encoding, "Signed 24 bit PCM");
  EXPECT_EQ(base::read_file(mended / "b.ogg"), base::read_file(raw / "b.ogg"));
}

TEST_F(FixFolder, CodesComeAlongWhereTheyStillFit) {
  add("a.wav", faulty(1, 0.1), "words that are said");
  add("b.wav", noise(1), "other words that are said");
  for (const char* name : {"a", "b"}) base::write_file(raw / (std::string(name) + ".npy"), "codes");
  fix();
  EXPECT_FALSE(fs::exists(mended / "a.npy"));
  EXPECT_TRUE(fs::exists(mended / "b.npy"));
}

TEST_F(FixFolder, NobodyKnowsWhichWordsAreRight) {
  add("a.wav", noise(1), "words that are said");
  fs::copy_file(raw / "a.wav", raw / "b.wav");
  base::write_file(raw / "b.lab", "other words");
  add("c.wav", noise(1), "more words that are said");
  fix();
  EXPECT_FALSE(fs::exists(mended / "a.wav") || fs::exists(mended / "b.wav"));
  EXPECT_TRUE(fs::exists(mended / "c.wav"));
}

TEST_F(FixFolder, ASecondRunGoesOn) {
  add("a.wav", faulty(1, 0), "words that are said");
  add("b.wav", noise(1), "<i>other</i> words that are said");
  fix();
  const std::string made = base::read_file(mended / "a.wav");
  fs::remove(mended / "b.wav");  // as a killed run leaves it: the recording comes last
  const audio::FolderReport again = fix();
  EXPECT_EQ(again.skipped, 1U);
  EXPECT_EQ(again.done, 1U);
  EXPECT_EQ(again.problems.size(), 2U);  // what was done before is told again
  EXPECT_EQ(base::read_file(mended / "a.wav"), made);
  EXPECT_THAT(kinds(mended), IsEmpty());
}

TEST_F(FixFolder, AFileThatCannotBeWrittenDoesNotStopTheOthers) {
  add("a.wav", noise(1), "words that are said");
  add("b.wav", noise(1), "other words that are said");
  base::make_folder(mended / "a.wav/in the way");
  const audio::FolderReport report = fix();
  EXPECT_EQ(report.failed, 1U);
  EXPECT_EQ(report.unchanged, 1U);
}

TEST_F(FixFolder, ARecordingThatChangesMeanwhileFails) {
  add("a.wav", faulty(1, 1), "words that are said");
  const Report report = check_folder(raw, {});
  add("a.wav", noise(0.1), "words that are said");
  const audio::FolderReport fixed = fix_folder(report, {.output = mended});
  ASSERT_EQ(fixed.failed, 1U);
  EXPECT_THAT(fixed.problems[0].message, HasSubstr("was changed since it was looked at"));
}

TEST_F(FixFolder, TheCopyLiesElsewhere) {
  add("a.wav", noise(1), "words that are said");
  const Report report = check_folder(raw, {});
  for (const fs::path& output : {raw, raw / "copy", dir.path(), raw / "../raw"})
    EXPECT_THROW(fix_folder(report, {.output = output}), Error) << output;
  EXPECT_THAT(kinds(raw), IsEmpty());
}

}  // namespace
}  // namespace koi::check
