#include "koi/dataset/split.h"

#include <gmock/gmock.h>

#include <set>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::dataset {
namespace {

using base::read_file;
using base::write_file;
using testing::HasSubstr;
namespace fs = base::fs;

class Split : public testing::Test {
 protected:
  // `count` recordings of two speakers, whose texts repeat after `texts`.
  void make(size_t count, size_t texts) {
    for (size_t i = 0; i < count; ++i) {
      const fs::path folder = root / (i % 2 == 0 ? "민지" : "ada");
      fs::create_directories(folder);
      recordings.push_back(folder / (std::to_string(i) + ".wav"));
      write_file(recordings.back(), "");
      write_file(folder / (std::to_string(i) + ".lab"), "text " + std::to_string(i % texts) + "\n");
    }
  }

  SplitReport split(const SplitOptions& options) {
    return write_split(root, split_entries(recordings, options, note), options, duration_s, note);
  }

  // The texts of a list that was written.
  std::multiset<std::string> texts(const fs::path& list) {
    std::multiset<std::string> all;
    for (const ListLine& line : read_file_list(list, TextRules::repaired, note))
      all.insert(line.text);
    return all;
  }

  const test::TempDir dir;
  const fs::path root = dir / "data";
  std::vector<fs::path> recordings;
  std::vector<LeftOut> left_out;
  const LeftOutSink note = [this](const LeftOut& bad) { left_out.push_back(bad); };
  const std::function<double(const fs::path&)> duration_s = [](const fs::path& path) {
    return std::stod(path.stem().string());
  };
};

TEST_F(Split, EachTextIsOnOneSide) {
  make(60, 20);
  const SplitReport report = split({.count = 6});
  EXPECT_EQ(report.validation, 6U);
  EXPECT_EQ(report.train, 54U);
  const auto train = texts(report.train_list), validation = texts(report.validation_list);
  EXPECT_EQ(train.size(), 54U);
  for (const std::string& text : validation) {
    EXPECT_EQ(validation.count(text), 3U);
    EXPECT_EQ(train.count(text), 0U);
  }
  // What else there is does not matter to the choice.
  const std::string before = read_file(report.validation_list);
  std::reverse(recordings.begin(), recordings.end());
  split({.count = 6});
  EXPECT_EQ(read_file(report.validation_list), before);
}

TEST_F(Split, LinesAreThoseOfAFileList) {
  make(2, 2);
  const SplitReport report = split({});
  EXPECT_EQ(report.validation, 1U);
  const auto lines = read_file(report.train_list) + read_file(report.validation_list);
  EXPECT_THAT(lines, HasSubstr("민지/0.wav|민지||text 0\n"));
  EXPECT_THAT(lines, HasSubstr("ada/1.wav|ada||text 1\n"));
  EXPECT_EQ(find_listed("ada/1.wav", report.train_list), root / "ada/1.wav");
  EXPECT_EQ(find_listed("ada/2.wav", report.train_list), "");
}

TEST_F(Split, HowMany) {
  make(30, 30);
  EXPECT_EQ(split({}).validation, 6U);
  EXPECT_EQ(split({.ratio = 0.1}).validation, 3U);
  EXPECT_EQ(split({.ratio = 0.0}).validation, 0U);
  EXPECT_EQ(split({.count = 1000}).train, 1U);  // one text stays for training
  for (const SplitOptions& options :
       {SplitOptions{.ratio = 0.1, .count = 1}, SplitOptions{.ratio = 1.0},
        SplitOptions{.ratio = -0.1}, SplitOptions{.count = 0}}) {
    EXPECT_THROW(split(options), Error);
  }
}

TEST_F(Split, DurationsAreKept) {
  make(10, 10);
  const SplitReport report = split({.count = 1, .min_duration_s = 2.0, .max_duration_s = 7.0});
  EXPECT_EQ(report.too_short, 2U);
  EXPECT_EQ(report.too_long, 2U);
  EXPECT_EQ(report.train + report.validation, 6U);
}

TEST_F(Split, WhatHasNoWordsIsNamed) {
  make(4, 4);
  fs::remove(root / "ada/1.lab");
  write_file(root / "ada/3.lab", " \n");
  EXPECT_EQ(split({}).train, 1U);
  ASSERT_EQ(left_out.size(), 2U);
  EXPECT_THAT(left_out[0].reason, HasSubstr("has no transcript"));
  EXPECT_THAT(left_out[1].reason, HasSubstr("3.lab"));
  recordings = {root / "ada/1.wav"};
  EXPECT_THROW(split({}), Error);
}

TEST_F(Split, ALineThatCannotBeWrittenIsNamed) {
  make(2, 2);
  for (const std::string name : {"a|b", "c\rd", "e\nf", "\xFF"}) {
    recordings.push_back(root / (name + ".wav"));
    write_file(recordings.back(), "");
    write_file(root / (name + ".lab"), "words");
  }
  const SplitReport report = split({.ratio = 0.0});
  EXPECT_EQ(report.train, 2U);
  EXPECT_EQ(texts(report.train_list).size(), 2U);
  ASSERT_EQ(left_out.size(), 4U);
  EXPECT_THAT(left_out[0].reason, HasSubstr("cannot stand in a file list"));
}

TEST_F(Split, NamesThatWouldBeTakenForSomethingElseAreFoundAgain) {
  fs::create_directories(root);
  for (const char* name : {"# 1", " 2", "\u30003"}) {
    recordings.push_back(root / (std::string(name) + ".wav"));
    write_file(recordings.back(), "");
    write_file(root / (std::string(name) + ".lab"), std::string("text ") + name);
  }
  const SplitReport report = split({.ratio = 0.0});
  EXPECT_EQ(report.train, 3U);
  EXPECT_EQ(split_entries(report.train_list, note).size(), 3U);
  EXPECT_TRUE(left_out.empty());
}

TEST_F(Split, AListIsParted) {
  make(4, 4);
  write_file(dir / "all.list",
             "data/민지/0.wav|S|ko|하나|둘\n\n# note\ndata/ada/1.wav|T|en|two\nnothing\n"
             "data/none.wav|T|en|three\ndata|T|en|a folder\n|T|en|nothing\n");
  const auto entries = split_entries(dir / "all.list", note);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].text, "하나|둘");
  EXPECT_EQ(entries[0].language, "ko");
  ASSERT_EQ(left_out.size(), 4U);
  EXPECT_THAT(left_out[0].reason, HasSubstr("line 5"));
  EXPECT_THAT(left_out[1].reason, HasSubstr("line 6"));
  EXPECT_THAT(left_out[2].reason, HasSubstr("line 7"));
  EXPECT_THAT(left_out[3].reason, HasSubstr("line 8"));
  const SplitReport report = write_split(root, entries, {.ratio = 0.0}, duration_s, note);
  EXPECT_THAT(read_file(report.train_list), HasSubstr("민지/0.wav|S|ko|하나|둘\n"));
}

}  // namespace
}  // namespace koi::dataset
