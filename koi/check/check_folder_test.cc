// Each finding by a file that has it, and by one that just has not.
#include "koi/check/check_folder.h"

#include <gmock/gmock.h>
#include <sndfile.h>
#include <sys/stat.h>

#include <cmath>

#include "koi/audio/convert_rate.h"
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

class Check : public testing::Test {
 protected:
  // Noise that no other recording has.
  Audio<double> noise(double seconds, double level = 0.1) {
    base::PythonRandom random(++seed_);
    Audio<double> audio{1, kRate_hz, {}};
    audio.samples.resize(static_cast<size_t>(std::lround(seconds * kRate_hz)));
    for (double& sample : audio.samples) sample = level * (2 * random.random() - 1);
    return audio;
  }

  // A sound recording with words of its own, of fitting length.
  void add(const std::string& name) { add(name, noise(1.5)); }
  void add(const std::string& name, const Audio<double>& audio) {
    write_sound(name, audio);
    write_text(name, "words of " + std::to_string(seed_) + " as said");
  }

  void write_sound(const std::string& name, const Audio<double>& audio) {
    const fs::path path = folder / (name + ".wav");
    base::make_folder(path.parent_path());
    audio::write_audio(path, audio, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
  }

  void write_text(const std::string& name, const std::string& text) {
    base::write_file(folder / (name + ".lab"), text);
  }

  Report check(const CheckOptions& options = {}) { return check_folder(folder.path(), options); }

  // The paths with such a finding.
  std::vector<std::string> found(Kind kind, const CheckOptions& options = {}) {
    std::vector<std::string> paths;
    for (const Finding& finding : check(options).findings) {
      if (finding.kind == kind) paths.push_back(finding.path.string());
    }
    return paths;
  }

  // What is said of the only finding.
  std::string only_finding(Kind kind) {
    const Report report = check();
    if (report.findings.size() != 1) {
      ADD_FAILURE() << report.findings.size() << " findings";
      return {};
    }
    EXPECT_EQ(info_of(report.findings[0].kind).name, info_of(kind).name);
    return report.findings[0].what;
  }

  test::TempDir folder;
  uint64_t seed_ = 0;
};

TEST_F(Check, ASoundFolderHasNoFindings) {
  for (const char* name : {"민지/1", "민지/2", "bob/1"}) add(name);
  const Report report = check();
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(report.usable(), 3U);
  EXPECT_FALSE(report.harms());
  ASSERT_EQ(report.speakers.size(), 2U);
  EXPECT_EQ(report.speakers[1].name, "민지");
  EXPECT_EQ(report.speakers[1].recordings, 2U);
  EXPECT_DOUBLE_EQ(report.speakers[1].duration_s, 3);
  EXPECT_THAT(report.speakers[1].rates_hz, ElementsAre(kRate_hz));
  EXPECT_EQ(report.recordings[0].transcript->words, 5);
}

TEST_F(Check, TheFolderItselfCanBeTheSpeaker) {
  add("1");
  EXPECT_EQ(check().speakers.at(0).name, folder.path().filename().string());
}

TEST_F(Check, WhatIsNoSound) {
  add("a/good");
  base::write_file(folder / "a/text.wav", "no sound");
  base::write_file(folder / "a/empty.mp3", "");
  write_sound("a/cut", noise(1));
  fs::resize_file(folder / "a/cut.wav", 40'000);
  EXPECT_THAT(found(Kind::unreadable), ElementsAre("a/cut.wav", "a/empty.mp3", "a/text.wav"));
  const Report report = check();
  EXPECT_THAT(report.findings[0].what, testing::StartsWith("is truncated"));
  EXPECT_EQ(report.usable(), 1U);
  EXPECT_TRUE(report.harms());
}

TEST_F(Check, SilentAndTooShort) {
  add("silent", {1, kRate_hz, std::vector<double>(kRate_hz)});
  add("soft", noise(1, 0.001));
  add("short", noise(0.399));
  add("long", noise(0.4));
  EXPECT_THAT(found(Kind::silent), ElementsAre("silent.wav"));
  EXPECT_THAT(found(Kind::too_short), ElementsAre("short.wav"));
}

TEST_F(Check, Clipped) {
  // Two in ten thousand samples may stand at full scale.
  const auto clipped = [this](size_t samples) {
    Audio<double> audio = noise(1);
    std::fill_n(audio.samples.begin() + 1000, samples, 1.0);
    return audio;
  };
  add("few", clipped(8));
  add("many", clipped(9));
  EXPECT_THAT(found(Kind::clipped), ElementsAre("many.wav"));
}

TEST_F(Check, TelephoneAndNarrowBand) {
  const auto through = [this](int rate_hz) {
    return audio::convert_rate(audio::convert_rate(noise(1), rate_hz), kRate_hz);
  };
  add("telephone", through(8000));
  add("radio", through(11025));
  add("wide", through(16000));
  add("better", through(22050));
  add("real", audio::convert_rate(noise(1), 8000));
  EXPECT_THAT(found(Kind::telephone), ElementsAre("real.wav", "telephone.wav"));
  EXPECT_THAT(found(Kind::narrow_band), ElementsAre("radio.wav", "wide.wav"));
}

TEST_F(Check, OffsetIsMeasuredAgainstTheSound) {
  const auto shifted = [this](double level, double offset) {
    Audio<double> audio = noise(1, level);
    for (double& sample : audio.samples) sample += offset;
    return audio;
  };
  // The RMS of noise is its level by the root of 3.
  add("much", shifted(0.1, 0.0062));
  add("little", shifted(0.1, 0.0053));
  add("soft", shifted(0.005, 0.0009));
  EXPECT_THAT(found(Kind::dc_offset), ElementsAre("much.wav"));
}

TEST_F(Check, SilentEndsAndTooLong) {
  const auto with_tail = [this](double seconds) {
    Audio<double> audio = noise(1);
    audio.samples.resize(audio.samples.size() + static_cast<size_t>(seconds * kRate_hz));
    return audio;
  };
  add("much", with_tail(0.52));
  add("little", with_tail(0.49));
  add("long", noise(30.01));
  add("longest", noise(30));
  EXPECT_THAT(found(Kind::silent_ends), ElementsAre("much.wav"));
  EXPECT_THAT(found(Kind::too_long), ElementsAre("long.wav"));
}

TEST_F(Check, MissingAndEmptyTranscripts) {
  add("a");
  for (const char* name : {"none", "empty", "tags", "mute"}) write_sound(name, noise(1));
  write_text("empty", " \n");
  write_text("tags", "<sil> {breath}");
  write_text("mute", "[noise]");
  base::write_file(folder / "lost.lab", "words");
  base::write_file(folder / "README.md", "not a transcript");
  EXPECT_THAT(found(Kind::no_transcript), ElementsAre("none.wav"));
  EXPECT_THAT(found(Kind::empty_transcript), ElementsAre("empty.wav", "mute.wav", "tags.wav"));
  EXPECT_THAT(found(Kind::orphan_transcript), ElementsAre("lost.lab"));
  EXPECT_EQ(check().usable(), 1U);
  base::write_file(folder / "none.txt", "words that are said");
  EXPECT_THAT(found(Kind::no_transcript), IsEmpty());
  EXPECT_THAT(found(Kind::no_transcript, {.text_extensions = {".lab"}}), ElementsAre("none.wav"));
}

TEST_F(Check, EncodingsAreNamed) {
  add("utf8");
  for (const char* name : {"cp949/0", "cp949/a", "cp949/b", "mark", "utf16", "nul", "latin"})
    write_sound(name, noise(1));
  write_text("cp949/0", "\xBC\xAD\xBF\xEF\xBF");  // the last one is half
  write_text("cp949/a", "\xB3\xD7");              // one syllable, known by the speaker's others
  write_text("cp949/b", "\xBE\xC8\xB3\xE7\xC7\xCF\xBC\xBC\xBF\xE4.");
  write_text("mark", "\xEF\xBB\xBFwords that are said");
  write_text("utf16", std::string("\xFF\xFEw\0o\0r\0d\0s\0", 12));
  write_text("nul", std::string("word\0ds", 7));
  write_text("latin", "caf\xE9 au lait");
  EXPECT_THAT(found(Kind::encoding), ElementsAre("cp949/a.wav", "cp949/b.wav"));
  EXPECT_THAT(found(Kind::unknown_encoding), ElementsAre("cp949/0.wav", "latin.wav"));
  EXPECT_THAT(found(Kind::utf16), ElementsAre("mark.wav", "utf16.wav"));
  EXPECT_THAT(found(Kind::unreadable_transcript), ElementsAre("nul.wav"));
  for (const Finding& finding : check().findings) {
    if (finding.kind != Kind::encoding) continue;
    EXPECT_THAT(finding.what, HasSubstr("EUC-KR (CP949)"));
  }
}

TEST_F(Check, OnlyTheBeginningOfAnOldTextIsKept) {
  add("a");
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "\xB3\xD7";
  write_text("a", text);
  std::vector<Finding> findings;
  EXPECT_EQ(check_recording(folder.path(), "a.wav", {}, findings).undecoded.size(), 4096U);
  EXPECT_THAT(found(Kind::encoding), ElementsAre("a.wav"));
}

TEST_F(Check, MarkupThatStaysAndTagsThatGo) {
  for (const char* name : {"noise", "entity", "tag", "plain"}) write_sound(name, noise(2));
  write_text("noise", "words [laughter] and more");
  write_text("entity", "you &amp; me and more");
  write_text("tag", "words <sil> and more");
  write_text("plain", "5 < 6 (said so) & more");
  EXPECT_THAT(found(Kind::markup), ElementsAre("entity.wav", "noise.wav"));
  EXPECT_THAT(found(Kind::tags), ElementsAre("tag.wav"));
}

TEST_F(Check, RatesOfSpeechLeaveSilenceAtTheEndsOut) {
  const std::string text = "just as many letters here";
  for (int i = 0; i < 12; ++i) {
    write_sound(std::to_string(i), noise(2));
    write_text(std::to_string(i), text);
  }
  Audio<double> slow = noise(2);
  slow.samples.resize(7 * kRate_hz);
  write_sound("3", slow);
  EXPECT_THAT(found(Kind::odd_rate), IsEmpty());
  write_sound("3", noise(7));
  EXPECT_THAT(found(Kind::odd_rate), ElementsAre("3.wav"));
}

TEST_F(Check, CopiesAreKnownByTheirSamples) {
  add("a/1");
  add("a/2");
  const Audio<double> audio = audio::read_audio<double>(folder / "a/1.wav");
  base::make_folder(folder / "b");
  audio::write_audio(folder / "b/copy.flac", audio, SF_FORMAT_FLAC | SF_FORMAT_PCM_24);
  EXPECT_THAT(found(Kind::duplicate_audio), ElementsAre("b/copy.flac"));  // without words
  fs::copy_file(folder / "a/1.lab", folder / "b/copy.lab");
  EXPECT_THAT(found(Kind::duplicate_audio), ElementsAre("b/copy.flac"));
  EXPECT_THAT(found(Kind::duplicate_text), IsEmpty());  // of another speaker
  write_text("b/copy", "other words");
  EXPECT_THAT(found(Kind::duplicate_audio), IsEmpty());
  EXPECT_THAT(found(Kind::contradicting_text), ElementsAre("a/1.wav", "b/copy.flac"));
  fs::remove(folder / "a/1.lab");
  // The one with words is the one to keep, in whatever encoding they are.
  EXPECT_THAT(found(Kind::duplicate_audio), ElementsAre("a/1.wav"));
  write_text("b/copy", "\xBE\xC8\xB3\xE7\xC7\xCF\xBC\xBC\xBF\xE4.");
  EXPECT_THAT(found(Kind::duplicate_audio), ElementsAre("a/1.wav"));
}

TEST_F(Check, TheSameWordsOfOneSpeaker) {
  add("a/1");
  add("a/2");
  add("b/1");
  for (const char* name : {"a/1", "a/2", "b/1"}) write_text(name, "thank you very much");
  EXPECT_EQ(only_finding(Kind::duplicate_text), "has the words of a/1.wav");
}

TEST_F(Check, LoudnessFarFromTheSpeakersOwn) {
  for (const char* name : {"1", "2", "3", "4"}) add(name);
  add("5", noise(1.5, 0.1 * std::pow(10, -9.9 / 20)));
  EXPECT_THAT(found(Kind::loudness_outlier), IsEmpty());
  add("5", noise(1.5, 0.1 * std::pow(10, -10.1 / 20)));
  EXPECT_THAT(only_finding(Kind::loudness_outlier), HasSubstr("softer"));
}

TEST_F(Check, AnotherScriptThanTheRest) {
  for (const char* name : {"1", "2", "3", "4"}) add(name);
  for (const char* name : {"1", "2", "3"}) write_text(name, std::string("안녕하세요 ") + name);
  EXPECT_THAT(found(Kind::other_script), IsEmpty());  // too few to tell
  add("5");
  write_text("4", "感謝합니다 여러분");
  EXPECT_EQ(only_finding(Kind::other_script),
            "its transcript is in Latin script, the speaker's others in Hangul");
}

TEST_F(Check, CodesFitTheSoundOrNot) {
  add("a");
  EXPECT_THAT(found(Kind::no_codes), IsEmpty());
  add("b");
  const auto write = [this](int64_t codebooks, int64_t frames, int32_t highest) {
    checkpoint::Codes codes{codebooks, frames,
                            std::vector<int32_t>(static_cast<size_t>(codebooks * frames))};
    codes.values.back() = highest;
    checkpoint::write_codes(folder / "b.npy", codes);
  };
  // 1.5 s: 66150 samples, 129 mel frames.
  write(8, 32, 1023);
  EXPECT_EQ(only_finding(Kind::no_codes), "has no codes beside it");
  for (const auto& [codebooks, frames, highest] :
       {std::tuple{8, 33, 0}, std::tuple{7, 32, 0}, std::tuple{8, 32, 1024}}) {
    write(codebooks, frames, highest);
    EXPECT_THAT(found(Kind::bad_codes), ElementsAre("b.wav"));
  }
  EXPECT_THAT(found(Kind::bad_codes, {.codebook_size = 1025}), IsEmpty());
  base::write_file(folder / "b.npy", "no array");
  EXPECT_THAT(found(Kind::bad_codes), ElementsAre("b.wav"));
  base::write_file(folder / "b.npy", std::string(1 << 20, 'x'));  // is not even read
  EXPECT_THAT(found(Kind::bad_codes), ElementsAre("b.wav"));
}

TEST_F(Check, RecordingsOfOneName) {
  add("a");
  add("a b");
  audio::write_audio(folder / "a.flac", noise(1), SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  EXPECT_THAT(found(Kind::shared_name), ElementsAre("a.wav"));
}

TEST_F(Check, AHostileTreeIsNamedAndHarmless) {
  add("good");
  fs::create_directory_symlink(folder.path(), folder / "circle");
  fs::create_symlink("round.wav", folder / "round.wav");
  fs::create_symlink("nowhere", folder / "lost.lab");
  ASSERT_EQ(::mkfifo((folder / "pipe.wav").c_str(), 0600), 0);
  add("folder.wav/inside");
  add("new\nline");
  add("\xFFinvalid");
  base::write_file(folder / "._x.wav", "from a Mac");
  EXPECT_THAT(found(Kind::odd_entry),
              ElementsAre("circle", "folder.wav", "lost.lab", "pipe.wav", "round.wav"));
  EXPECT_THAT(found(Kind::unreadable), ElementsAre("._x.wav"));
  const Report report = check();
  EXPECT_EQ(report.usable(), 4U);
  for (const Finding& finding : report.findings)
    EXPECT_EQ(finding.what.find('\n'), std::string::npos) << finding.what;
}

TEST_F(Check, NothingToCheck) {
  EXPECT_THROW(check(), Error);
  EXPECT_THROW(check_folder(folder / "missing", {}), Error);
  base::write_file(folder / "x.lab", "words");
  EXPECT_THROW(check(), Error);
}

TEST_F(Check, TheWorkersDoNotMatter) {
  for (int i = 0; i < 20; ++i) add(std::to_string(i), noise(0.3 + 0.05 * i));
  add("21", noise(1, 0.001));
  base::write_file(folder / "0.lab", "[x] y");
  const auto told = [this](size_t workers) {
    std::string text;
    for (const Finding& finding : check({.workers = workers}).findings)
      text += finding.path.string() + finding.what + std::to_string(*finding.recording) + "\n";
    return text;
  };
  EXPECT_EQ(told(1), told(4));
  EXPECT_THAT(told(1), HasSubstr("0.wav"));
}

TEST(KindInfo, EveryKindSaysWhatItIsAndWhatToDo) {
  for (size_t kind = 0; kind < kKinds; ++kind) {
    const KindInfo& info = info_of(static_cast<Kind>(kind));
    EXPECT_FALSE(info.name.empty() || info.title.empty() || info.korean.empty() || info.fix.empty())
        << kind;
    EXPECT_EQ(info.mending != Mending::by_hand, info.fix.find("--fix") != info.fix.npos)
        << info.name;
    EXPECT_TRUE(info.harms || !info.unusable) << info.name;
  }
}

}  // namespace
}  // namespace koi::check
