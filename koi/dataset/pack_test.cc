#include "koi/dataset/pack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "koi/base/error.h"
#include "koi/checkpoint/npy.h"
#include "koi/dataset/shard.h"
#include "tests/support/temp_dir.h"

namespace koi::dataset {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

class Pack : public testing::Test {
 protected:
  void add_codes(const std::string& name, int64_t frames = 2) {
    fs::create_directories((data() / name).parent_path());
    checkpoint::write_codes(data() / name,
                            {2, frames, std::vector<int32_t>(static_cast<size_t>(2 * frames), 7)});
  }
  void add_text(const std::string& name, const std::string& text) {
    fs::create_directories((data() / name).parent_path());
    base::write_file(data() / name, text);
  }
  void add_pair(const std::string& stem, const std::string& text) {
    add_codes(stem + ".npy");
    add_text(stem + ".lab", text);
  }
  PackReport pack() {
    return pack_dataset(options, {[this](const PackFailure& f) { failures.push_back(f.reason); },
                                  [this](uint64_t done, uint64_t total, uint64_t frames) {
                                    progress = {done, total, frames};
                                  }});
  }
  // Names of all that is in the output.
  std::vector<std::string> output() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(options.output))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  static std::vector<TextData> records(const PackReport& report) {
    std::vector<TextData> all;
    for (const fs::path& shard : report.shards) {
      ShardReader reader(shard);
      while (auto record = reader.next()) all.push_back(std::move(*record));
    }
    return all;
  }

  fs::path data() const { return folder / "data"; }

  test::TempDir folder;
  PackOptions options{{folder / "data"}, folder / "out", {"lab"}, 10, 4, TextRules::repaired};
  std::vector<std::string> failures;
  std::vector<uint64_t> progress;
};

TEST_F(Pack, OneRecordAFolder) {
  add_pair("길동/a", "하나 ");
  add_pair("길동/b", "둘");
  add_pair("ada/a", "one");
  const PackReport report = pack();
  const std::vector<TextData> all = records(report);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name, "ada");
  EXPECT_EQ(all[1].name, "길동");
  EXPECT_THAT(all[1].sentences[0].texts, ElementsAre("하나"));
  EXPECT_EQ(all[1].sentences[1].codes, (CodeRows{{7, 7}, {7, 7}}));
  EXPECT_EQ(report.sentences, 3U);
  EXPECT_EQ(report.frames, 6U);
  EXPECT_THAT(progress, ElementsAre(3, 3, 6));
  EXPECT_THAT(output(), ElementsAre("00000000.protos"));
}

TEST_F(Pack, WhatCannotBePackedIsReportedAndLeftOut) {
  add_pair("ada/good", "fine");
  add_codes("ada/mute.npy");
  add_pair("ada/empty", " \n");
  add_pair("ada/short", "short");
  add_codes("ada/short.npy", 0);
  add_pair("bob/broken", "broken");
  add_text("bob/broken.npy", "not an array");
  const PackReport report = pack();
  EXPECT_EQ(records(report).size(), 1U);  // none for bob
  EXPECT_EQ(report.sentences, 1U);
  EXPECT_EQ(report.failures, 4U);
  EXPECT_THAT(failures,
              ElementsAre(HasSubstr("empty.lab: the transcript is empty"),
                          HasSubstr("mute.lab: no such file"),
                          HasSubstr("short.npy: holds no frames"), HasSubstr("broken.npy")));
}

TEST_F(Pack, AlignmentsComeAlong) {
  add_pair("ada/a", "가나 다");
  add_text("ada/a.alignment", "1 4");
  add_pair("ada/b", "plain");
  add_pair("ada/changed", "one.. two");
  add_text("ada/changed.alignment", "1 1");
  add_pair("ada/long", "long");
  add_text("ada/long.alignment", "1 1 1 1 1");
  const std::vector<TextData> all = records(pack());
  ASSERT_EQ(all.size(), 1U);
  ASSERT_EQ(all[0].sentences.size(), 2U);
  EXPECT_THAT(all[0].sentences[0].alignment, ElementsAre(1, 4));
  EXPECT_THAT(all[0].sentences[1].alignment, IsEmpty());
  EXPECT_THAT(failures, ElementsAre(HasSubstr("write the transcript as \"one. two\""),
                                    HasSubstr("is of 5 frames, the codes are 2")));
  options.rules = TextRules::reference;  // which knows no such thing
  for (const Sentence& sentence : records(pack())[0].sentences)
    EXPECT_THAT(sentence.alignment, IsEmpty());
}

TEST_F(Pack, ShiftedCodesBelongToTheirRecording) {
  add_pair("ada/a", "one");
  add_codes("ada/a.shift1", 3);
  add_codes("ada/a.shift2", 2);
  add_pair("ada/a.shift1", "a recording that is called so");
  const std::vector<TextData> all = records(pack());
  ASSERT_EQ(all.size(), 1U);
  ASSERT_EQ(all[0].sentences.size(), 2U);
  ASSERT_EQ(all[0].sentences[0].shifted.size(), 2U);
  EXPECT_EQ(all[0].sentences[0].shifted[0], (CodeRows{{7, 7, 7}, {7, 7, 7}}));
  EXPECT_THAT(all[0].sentences[1].texts, ElementsAre("a recording that is called so"));
  EXPECT_THAT(failures, IsEmpty());
}

TEST_F(Pack, NothingToPackIsAnErrorAndLeavesTheOutput) {
  add_codes("ada/mute.npy");
  EXPECT_THROW(pack(), Error);
  EXPECT_FALSE(fs::exists(options.output));

  fs::create_directories(options.output);
  base::write_file(options.output / "00000000.protos", "old");
  EXPECT_THROW(pack(), Error);
  EXPECT_THAT(output(), ElementsAre("00000000.protos"));
  EXPECT_EQ(base::read_file(options.output / "00000000.protos"), "old");
}

TEST_F(Pack, MissingInput) {
  options.inputs.push_back(folder / "nowhere");
  add_pair("ada/good", "fine");
  EXPECT_THROW(pack(), Error);
  EXPECT_FALSE(fs::exists(options.output));
}

TEST_F(Pack, OldShardsGoAllElseStays) {
  add_pair("ada/good", "fine");
  fs::create_directories(options.output / "sub");
  for (const char* name : {"00000000.protos", "00000007.protos", "mine.protos", "0000000a.protos",
                           "notes.txt", "sub/00000000.protos"})
    base::write_file(options.output / name, "old");
  EXPECT_EQ(stale_shards(options.output).size(), 2U);
  EXPECT_EQ(foreign_shards(options.output).size(), 3U);
  const PackReport report = pack();
  EXPECT_EQ(report.removed.size(), 2U);
  EXPECT_THAT(output(),
              ElementsAre("00000000.protos", "0000000a.protos", "mine.protos", "notes.txt", "sub"));
  EXPECT_EQ(records(report).size(), 1U);
}

TEST_F(Pack, OutputInsideOfTheInput) {
  add_pair("ada/good", "fine");
  options.output = data() / "protos";
  EXPECT_EQ(pack().sentences, 1U);
  EXPECT_EQ(pack().sentences, 1U);
}

TEST_F(Pack, ShardsRollOver) {
  options.shard_size_mib = 0;
  for (const char* speaker : {"a", "b", "c"}) add_pair(std::string(speaker) + "/x", "text");
  EXPECT_EQ(pack().shards.size(), 3U);
  EXPECT_THAT(output(), ElementsAre("00000000.protos", "00000001.protos", "00000002.protos"));
}

TEST_F(Pack, SeveralSpellings) {
  add_pair("ada/a", "ten");
  add_text("ada/a.txt", "10");
  options.text_extensions = {".lab", ".txt"};
  EXPECT_THAT(records(pack()).at(0).sentences.at(0).texts, ElementsAre("ten", "10"));
  add_pair("ada/b", "only one");
  EXPECT_EQ(pack().failures, 1U);
}

TEST_F(Pack, FileListIsRepaired) {
  add_pair("ada/a", "");
  const std::string path = (data() / "ada/a.lab").string();  // stands for the audio file
  const std::string list = "\xEF\xBB\xBF" + path + "|홍길동|fr|  bonjour \r\n\n# a comment\r\n" +
                           path + "|x|en\n" + (data() / "gone.wav").string() + "|x|en|gone";
  base::write_file(folder / "x.list", list);
  options.inputs = {folder / "x.list"};
  const std::vector<TextData> all = records(pack());
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].name, "홍길동");
  EXPECT_EQ(all[0].source, "filelist");
  EXPECT_THAT(all[0].sentences.at(0).texts, ElementsAre("bonjour"));
  EXPECT_THAT(failures, ElementsAre(HasSubstr("line 4"), HasSubstr("gone.wav")));
}

TEST_F(Pack, FileListThatIsNoText) {
  base::write_file(folder / "x.list", "caf\xE9");
  options.inputs = {folder / "x.list"};
  EXPECT_THROW(pack(), Error);
}

TEST_F(Pack, SpeakerThatIsNoUtf8) {
  add_pair("caf\xE9/a", "text");
  EXPECT_THROW(pack(), Error);
  EXPECT_FALSE(fs::exists(options.output));
}

TEST_F(Pack, OutputThatIsAFile) {
  add_pair("ada/good", "fine");
  base::write_file(options.output, "a file");
  EXPECT_THROW(pack(), Error);
  EXPECT_EQ(base::read_file(options.output), "a file");
}

TEST_F(Pack, ArrayThatClaimsManyCodebooks) {
  add_pair("ada/good", "fine");
  add_pair("ada/wide", "wide");
  checkpoint::write_codes(data() / "ada/wide.npy", {1'000'000'000, 0, {}});
  for (const TextRules rules : {TextRules::repaired, TextRules::reference}) {
    options.rules = rules;
    EXPECT_EQ(pack().failures, 1U);
  }
}

TEST_F(Pack, NumbersAreReadOutWhereAsked) {
  add_pair("a/x", "사과 3개");
  add_codes("b/y.npy");
  add_text("list.txt", (data() / "b/y.wav").string() + "|b|en|3 apples\n");
  add_text("b/y.wav", "");
  options.inputs = {data() / "a", data() / "list.txt"};
  options.numbers = text::NumberReading::by_script;
  const auto packed = records(pack());
  ASSERT_EQ(packed.size(), 2u);
  EXPECT_THAT(packed[0].sentences.at(0).texts, ElementsAre("사과 세 개"));
  EXPECT_THAT(packed[1].sentences.at(0).texts, ElementsAre("three apples"));
}

class PackShared : public Pack {
 protected:
  // Groups of different sizes, an entry that fails in most parts, a speaker only the list has.
  void SetUp() override {
    for (int i = 0; i < 11; ++i) add_pair("ada/" + std::to_string(i), "a " + std::to_string(i));
    add_pair("bob/0", "b");
    add_codes("ada/1a.npy");
    add_pair("bob/broken", "broken");
    add_text("bob/broken.npy", "not an array");
    add_text("bob/0.wav", "");
    add_text("x.list", (data() / "bob/0.wav").string() + "|나|ko|말\n" + "no line\n");
    options.inputs.push_back(data() / "x.list");
    alone = options;
    alone.output = folder / "alone";
    const PackReport report = pack_dataset(alone, {});
    sentences = report.sentences;
    expected = base::read_file(report.shards.at(0));
  }
  PackReport pack_rank(size_t rank, size_t ranks) {
    options.share = {rank, ranks};
    failures.clear();
    return pack();
  }
  void expect_shards(const PackReport& report) {
    EXPECT_FALSE(report.is_part);
    EXPECT_EQ(report.sentences, sentences);
    EXPECT_THAT(failures,
                ElementsAre(HasSubstr("line 2"), HasSubstr("1a.lab"), HasSubstr("broken.npy")));
    EXPECT_THAT(output(), ElementsAre("00000000.protos"));
    EXPECT_TRUE(base::read_file(options.output / "00000000.protos") == expected);
  }

  PackOptions alone;
  uint64_t sentences = 0;
  std::string expected;
};

TEST_F(PackShared, TheLastOneMakesWhatOneProcessWould) {
  for (const size_t ranks : {2, 3, 20}) {
    SCOPED_TRACE(ranks);
    uint64_t in_parts = 0;
    for (size_t rank = ranks; rank-- > 1;) {
      const PackReport part = pack_rank(rank, ranks);
      EXPECT_TRUE(part.is_part);
      EXPECT_EQ(part.missing_parts, rank);
      EXPECT_TRUE(part.shards.empty());
      in_parts += part.sentences;
      EXPECT_EQ(pack_rank(rank, ranks).sentences, part.sentences);  // again, out of the piece
    }
    const PackReport last = pack_rank(0, ranks);
    EXPECT_LE(in_parts, last.sentences);
    expect_shards(last);
  }
}

TEST_F(PackShared, PiecesOfOtherDataDoNotCount) {
  EXPECT_EQ(pack_rank(0, 2).missing_parts, 1U);
  add_text("ada/3.lab", "changed words");  // in the part of rank 0
  EXPECT_EQ(pack_rank(1, 2).missing_parts, 1U);
  expected = base::read_file(pack_dataset(alone, {}).shards.at(0));
  expect_shards(pack_rank(0, 2));

  EXPECT_EQ(pack_rank(0, 2).missing_parts, 1U);
  EXPECT_EQ(pack_rank(1, 3).missing_parts, 2U);
  EXPECT_EQ(pack_rank(1, 2).missing_parts, 1U);
}

TEST_F(PackShared, OneProcessClearsTheirPieces) {
  pack_rank(1, 3);
  expect_shards(pack_rank(0, 1));
}

TEST_F(PackShared, DamagedPiecesAreNamed) {
  pack_rank(1, 2);
  for (const auto& entry : fs::directory_iterator(options.output / ".koi-pieces"))
    base::write_file(entry.path(), "x");
  EXPECT_THROW(pack_rank(0, 2), Error);
}

// Chinese reading drops runs of zeros, as the reference does.
TEST_F(Pack, TranscriptsOfWhichNothingIsLeftAreReported) {
  add_pair("a/x", "00");
  add_pair("a/y", "3个");
  options.numbers = text::NumberReading::chinese;
  const auto packed = records(pack());
  EXPECT_THAT(failures, ElementsAre(HasSubstr("nothing is left")));
  EXPECT_THAT(packed.at(0).sentences.at(0).texts, ElementsAre("三个"));
}

}  // namespace
}  // namespace koi::dataset
