// Data commands by one thread, by several, and by three processes of which one is killed and run
// again: the same files, every one once, and the failures of all.
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "koi/base/failure_list.h"
#include "tests/support/data_commands.h"

namespace koi::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Ranks = std::vector<std::unique_ptr<Process>>;

class SharedData : public testing::TestWithParam<DataCommand> {
 protected:
  // Something that fails, in the share of one of the ranks.
  void SetUp() override {
    const std::string bad = GetParam().recordings > 0 ? "raw/b/bad.wav" : "codes/b/bad.npy";
    base::write_file(places.input() / bad, "nothing of use");
    base::write_file((places.input() / bad).replace_extension(".lab"), "bad");
  }

  std::unique_ptr<Process> start_rank(const std::string& place, int rank, int ranks) const {
    return places.start(place, {"--num-workers", "2", "--json"},
                        {{"RANK", std::to_string(rank)}, {"WORLD_SIZE", std::to_string(ranks)}});
  }

  // The results, and what is listed as failed, in the order of its lines.
  Files results(const std::string& place, std::vector<std::string>& failed) const {
    Files files = files_in(places.output(place));
    for (auto file = files.begin(); file != files.end();) {
      if (!base::is_failure_list(file->first)) {
        ++file;
        continue;
      }
      std::istringstream lines(file->second);
      for (std::string line; std::getline(lines, line);) failed.push_back(line);
      file = files.erase(file);
    }
    std::sort(failed.begin(), failed.end());
    return files;
  }

  void expect_equal(const std::string& place) const {
    std::vector<std::string> expected_failed, failed;
    const Files expected = results("whole", expected_failed), found = results(place, failed);
    EXPECT_EQ(expected_failed.size(), 1U);
    EXPECT_EQ(failed, expected_failed);
    for (const auto& [path, bytes] : expected) {
      ASSERT_TRUE(found.contains(path)) << path;
      EXPECT_TRUE(found.at(path) == bytes) << path;
    }
    EXPECT_EQ(found.size(), expected.size());
  }

  DataPlaces places{GetParam()};
};

TEST_P(SharedData, EqualsOneProcess) {
  for (const char* place : {"whole", "threads", "ranks"}) places.make(place);
  const auto whole = places.start("whole", {"--num-workers", "1", "--json"});
  EXPECT_EQ(whole->wait(), 1) << whole->err();
  const json all = json::parse(whole->out());
  EXPECT_EQ(all["failed"], 1);
  EXPECT_EQ(all["failed_by_reason"].size(), 1U);
  EXPECT_EQ(places.start("threads", {"--num-workers", "4"})->wait(), 1);
  expect_equal("threads");

  Ranks ranks;
  for (int rank = 0; rank < 3; ++rank) ranks.push_back(start_rank("ranks", rank, 3));
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!places.writes("ranks") && std::chrono::steady_clock::now() < patience)
    std::this_thread::yield();
  ranks[1]->signal(SIGKILL);
  const bool killed = ranks[1]->wait() == 128 + SIGKILL;
  size_t done = 0, failed = 0;
  for (int rank : {0, 2, 1}) {
    if (rank == 1 && killed) ranks[1] = start_rank("ranks", 1, 3);
    ASSERT_LE(ranks[rank]->wait(), 1) << ranks[rank]->err();
    const json part = json::parse(ranks[rank]->out());
    EXPECT_EQ(part["ranks"].get<int>(), part.value("is_part", true) ? 3 : 1);
    done += part["done"].get<size_t>() + part["skipped"].get<size_t>();
    failed += part["failed"].get<size_t>();
    if (!part.value("is_part", true)) {  // the last one tells of all
      done = part["done"].get<size_t>();
      failed = part["failed"].get<size_t>();
    }
  }
  EXPECT_EQ(done, all["done"].get<size_t>());
  EXPECT_EQ(failed, 1U);
  expect_equal("ranks");

  // With another number of processes nothing is there to do, and the lists are theirs.
  for (int rank = 0; rank < 2; ++rank) {
    const auto again = start_rank("ranks", rank, 2);
    ASSERT_LE(again->wait(), 1) << again->err();
    if (GetParam().recordings > 0) {
      EXPECT_EQ(json::parse(again->out())["done"], 0);
    }
  }
  expect_equal("ranks");
}

INSTANTIATE_TEST_SUITE_P(All, SharedData, testing::ValuesIn(data_commands()),
                         [](const auto& given) { return given.param.name; });

// What one process would do to the others' files is refused.
TEST(SharedFolder, IsNeitherEmptiedNorItsOwnInput) {
  const DataCommand command{"loudness_norm", {"loudness-norm", "raw", "out"}, "out", 2};
  const DataPlaces places(command);
  places.make("here");
  const std::map<std::string, std::string> rank{{"RANK", "0"}, {"WORLD_SIZE", "2"}};
  const auto cleans = places.start("here", {"--clean"}, rank);
  EXPECT_EQ(cleans->wait(), 2);
  EXPECT_THAT(cleans->err(), HasSubstr("--clean: would delete what the other processes write"));
  DataCommand same = command;
  same.arguments = {"loudness-norm", "raw", "raw", "--overwrite"};
  const DataPlaces own(same);
  own.make("here");
  const auto overwrites = own.start("here", {}, rank);
  EXPECT_EQ(overwrites->wait(), 2);
  EXPECT_THAT(overwrites->err(), HasSubstr("is the recordings' own folder"));
}

TEST(SharedFolder, EachRankSaysWhatIsItsOwn) {
  const DataCommand command{"resample", {"resample", "raw", "out"}, "out", 5};
  const DataPlaces places(command);
  places.make("here");
  const auto second = places.start("here", {}, {{"RANK", "1"}, {"WORLD_SIZE", "2"}});
  EXPECT_EQ(second->wait(), 0);
  EXPECT_THAT(second->err(), HasSubstr("koi: rank 1 of 2: 2 of 5 files"));
  const auto wrong = places.start("here", {}, {{"RANK", "2"}, {"WORLD_SIZE", "2"}});
  EXPECT_EQ(wrong->wait(), 2);
  EXPECT_THAT(wrong->err(), HasSubstr("RANK: 2 contradicts WORLD_SIZE"));
}

}  // namespace
}  // namespace koi::test
