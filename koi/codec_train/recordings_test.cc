#include "koi/codec_train/recordings.h"

#include <gmock/gmock.h>

#include <map>

#include "koi/base/error.h"
#include "koi/codec_train/recording_store.h"
#include "tests/support/small_codec_run.h"

namespace koi::codec_train {
namespace {

using testing::HasSubstr;

class RecordingsOf : public testing::Test {
 protected:
  Recordings open(const std::vector<std::string>& more = {}) {
    notes_.clear();
    decoded_ = 0;
    return {test::small_codec_settings(at_.path(), more), at_ / "run/data",
            [this](const std::string& line) { notes_.push_back(line); },
            [this](size_t, size_t) { ++decoded_; }};
  }
  std::string error(const std::vector<std::string>& more = {}) {
    try {
      open(more);
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  }

  test::TempDir at_;
  base::fs::path folder_ = at_ / "recordings";
  std::vector<std::string> notes_;
  int decoded_ = 0;
};

TEST_F(RecordingsOf, AreDecodedOnceAndAgainWhereTheFolderChanged) {
  test::write_recordings(folder_, 4);
  const std::string key = open().key();
  EXPECT_EQ(decoded_, 4);
  EXPECT_EQ(open().key(), key);
  EXPECT_EQ(decoded_, 0);
  base::write_file(at_ / "run/data/index.json", "{\"key\": 1");
  open();
  EXPECT_EQ(decoded_, 4);
  base::fs::resize_file(waves_path(at_ / "run/data"), 100);
  open();
  EXPECT_EQ(decoded_, 4);
  base::fs::remove(folder_ / "tone10.wav");
  EXPECT_NE(open().key(), key);
  EXPECT_EQ(decoded_, 3);
}

TEST_F(RecordingsOf, GiveTheirSamplesReflectedBeforeAndSilentBehind) {
  test::write_recordings(folder_, 2);
  const Recordings recordings = open({"data.held_out.least=0", "data.held_out.share=0"});
  const Recording& first = recordings.training()[0];
  EXPECT_EQ(first.name, "tone10.wav");
  EXPECT_EQ(first.samples, 8000);
  EXPECT_EQ(first.columns, 32);  // 31.25 of 256 samples
  const std::vector<float> wave = test::gliding_tone(0, 1, 8000);
  std::vector<float> out(5);
  recordings.read(first, -2, out);
  for (size_t i = 0; i < out.size(); ++i)
    EXPECT_NEAR(out[i], wave[static_cast<size_t>(std::abs(static_cast<int>(i) - 2))], 1.0 / 32768);
  recordings.read(first, 7998, out);
  EXPECT_NEAR(out[1], wave[7999], 1.0 / 32768);
  EXPECT_EQ(out[2], 0);
}

TEST_F(RecordingsOf, OtherRatesAreResampled) {
  test::write_recordings(folder_, 2, 16000);
  EXPECT_EQ(open({"data.held_out.least=0", "data.held_out.share=0"}).training()[0].samples, 8000);
}

TEST_F(RecordingsOf, HeldOutOnesDoNotDependOnTheOthers) {
  test::write_recordings(folder_, 9);
  const auto names = [](const std::vector<Recording>& recordings) {
    std::vector<std::string> all;
    for (const Recording& recording : recordings) all.push_back(recording.name);
    return all;
  };
  const Recordings recordings = open({"data.held_out.least=3"});
  EXPECT_EQ(recordings.training().size(), 6U);
  const auto held_out = names(recordings.held_out());
  ASSERT_EQ(held_out.size(), 3U);
  EXPECT_THAT(names(recordings.training()),
              testing::Each(testing::Not(testing::AnyOfArray(held_out))));
  base::fs::remove(folder_ / recordings.training()[0].name);
  EXPECT_EQ(names(open({"data.held_out.least=3"}).held_out()), held_out);
}

// Their names are no UTF-8 and become equal in the index.
TEST_F(RecordingsOf, SomeAreTrainedOnWhereNamesAreTheSame) {
  test::write_recordings(folder_, 2);
  base::fs::rename(folder_ / "tone10.wav", folder_ / "\xFE.wav");
  base::fs::rename(folder_ / "tone11.wav", folder_ / "\xFF.wav");
  const Recordings recordings = open();
  EXPECT_EQ(recordings.training().size(), 1U);
  EXPECT_EQ(recordings.held_out().size(), 1U);
}

TEST_F(RecordingsOf, ExcludedOnesAreNowhere) {
  test::write_recordings(folder_ / "목소리", 4);
  base::write_file(at_ / "never.tsv", "tone10\tsome text\n목소리/tone11.wav\n\nno-such\r\n");
  const Recordings recordings = open({"data.exclude='" + (at_ / "never.tsv").string() + "'"});
  EXPECT_EQ(decoded_, 2);
  EXPECT_EQ(recordings.training()[0].name.substr(0, 15), "목소리/tone1");
  EXPECT_THAT(notes_, testing::ElementsAre(HasSubstr("2 recordings are never used")));
  base::write_file(at_ / "never.tsv", "\xEF\xBB\xBFtone12\n");  // as Windows saves it
  open({"data.exclude='" + (at_ / "never.tsv").string() + "'"});
  EXPECT_EQ(decoded_, 3);
  base::write_file(at_ / "never.tsv", "tone1\n");  // no whole name
  open({"data.exclude='" + (at_ / "never.tsv").string() + "'"});
  EXPECT_EQ(decoded_, 4);
  EXPECT_THAT(notes_, testing::ElementsAre(HasSubstr("0 recordings are never used")));
}

// However a person may write it down.
TEST_F(RecordingsOf, ExcludedOnesAreFoundByManyNames) {
  test::write_recordings(folder_ / "목소리", 4);
  const auto decoded = [&](const std::string& line) {
    base::write_file(at_ / "never.tsv", line);
    open({"data.exclude='" + (at_ / "never.tsv").string() + "'"});
    return decoded_;
  };
  for (const std::string name :
       {"./목소리/tone11.wav", "목소리//tone11", "tone11 ", "tone11.wav \t x", "목소리/x/../tone11",
        "\u1106\u1169\u11a8\u1109\u1169\u1105\u1175/tone11"}) {
    EXPECT_EQ(decoded(name), 3) << name;
    EXPECT_THAT(notes_, testing::ElementsAre(testing::EndsWith("never.tsv"))) << name;
    base::fs::remove_all(at_ / "run");
  }
  EXPECT_EQ(decoded((folder_ / "목소리/tone11.wav").string()), 3);
  base::fs::remove_all(at_ / "run");
  EXPECT_EQ(decoded("tone1\ntone11\n../tone12\n목소리\nTONE13.WAV\n"), 3);
  EXPECT_THAT(notes_,
              testing::ElementsAre(testing::EndsWith(
                  "; 4 of its 5 lines name none that is here: tone1, ../tone12, 목소리, ...")));
  base::fs::remove_all(at_ / "run");
  EXPECT_EQ(decoded("tone11\n./tone11\n"), 3);  // twice
  EXPECT_THAT(notes_, testing::ElementsAre(testing::EndsWith("never.tsv")));
  const std::string utf16("t\0o\0n\0e\0", 8);
  EXPECT_THROW(decoded(utf16), Error);
}

TEST_F(RecordingsOf, OfAnotherFolderAreOthers) {
  test::write_recordings(folder_, 2);
  test::write_recordings(at_ / "recordings2", 2);
  for (const auto& entry : base::fs::directory_iterator(folder_))
    base::fs::last_write_time(at_ / "recordings2" / entry.path().filename(),
                              entry.last_write_time());
  const std::string key = open().key();
  EXPECT_NE(open({"data.recordings='" + (at_ / "recordings2").string() + "'"}).key(), key);
  EXPECT_EQ(decoded_, 2);
}

TEST_F(RecordingsOf, DamagedAndShortOnesAreLeftOutWithANote) {
  test::write_recordings(folder_, 2);
  const std::vector<float> few(20, 0.1F);
  audio::write_wav_pcm16(folder_ / "short.wav", few, 8000);
  base::write_file(folder_ / "text.wav", "this is no sound");
  base::write_file(folder_ / "empty.flac", "");
  audio::Audio<double> broken{.channels = 1, .sample_rate_hz = 8000, .samples = {}};
  broken.samples.assign(4000, std::nan(""));
  audio::write_audio(folder_ / "nan.wav", broken, 0x010006);  // WAV, 32-bit floating point
  const Recordings recordings = open();
  EXPECT_EQ(recordings.training().size() + recordings.held_out().size(), 2U);
  EXPECT_THAT(notes_, testing::UnorderedElementsAre(HasSubstr("short.wav: is 20 samples long"),
                                                    HasSubstr("text.wav"), HasSubstr("empty.flac"),
                                                    HasSubstr("nan.wav")));
  open();
  EXPECT_EQ(notes_.size(), 4U);  // told again
  open({"codec.spec_transform.n_fft=64", "codec.spec_transform.win_length=64",
        "codec.spec_transform.n_mels=8", "codec.backbone.input_channels=8"});
  EXPECT_EQ(notes_.size(), 3U);  // 20 samples are enough for this one
}

TEST_F(RecordingsOf, AFolderWithoutThemIsAnError) {
  EXPECT_THAT(error(), HasSubstr("recordings"));
  base::make_folder(folder_);
  EXPECT_THAT(error(), HasSubstr("has 0 recordings to train on"));
  test::write_recordings(folder_, 1);
  EXPECT_THAT(error(), HasSubstr("has 1 recordings to train on"));
}

TEST_F(RecordingsOf, SegmentsComeFromEveryPlaceAndFollowFromTheNumber) {
  test::write_recordings(folder_, 3);
  const Recordings recordings = open({"data.held_out.least=0", "data.held_out.share=0"});
  const BatchNumber number{.seed = 5, .stage = Stage::generator, .step = 7};
  const auto places = recordings.draw(number, 20000, 4);
  EXPECT_EQ(places, recordings.draw(number, 20000, 4));
  EXPECT_NE(places, recordings.draw({5, Stage::encoder, 7}, 20000, 4));
  EXPECT_NE(places, recordings.draw({5, Stage::generator, 8}, 20000, 4));
  std::map<std::pair<size_t, int64_t>, int> counts;
  for (const Place& place : places) {
    ASSERT_LE(place.column + 4, recordings.training()[place.recording].columns);
    ++counts[{place.recording, place.column}];
  }
  EXPECT_EQ(counts.size(), 32U + 35 + 38 - 9);  // each place from which 4 columns are left
}

}  // namespace
}  // namespace koi::codec_train
