#include "koi/base/failure_list.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::base {
namespace {

using testing::ElementsAre;
using testing::Pair;

Failure of(const std::string& path, const std::string& what, const std::string& remedy = {}) {
  return {path, Error(ErrorKind::corrupt, path, what, remedy).what()};
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::path& path : list_files(folder, [](const fs::path&) { return true; }))
    names.push_back(path.filename());
  return names;
}

TEST(FailureList, ReasonsAreCountedWithoutTheirDetails) {
  const std::vector<Failure> failures{
      of("a.wav", "cannot be decoded: Error : flac"),
      of("b: c.wav", "is too short: 5 samples at 44100 Hz", "leave the file out"),
      of("목소리.wav", "is too short: 9 samples at 8000 Hz"),
      of("d.npy", "has the shape [3]"),
      of("e.npy", "holds the code 1025.5"),
      of("f.npy", "holds the code 7"),
      of("x.list, line 3", "expected path|speaker|language|text"),
      {"g.npy", "no transcript: g.lab: no such file"},
      // The place may be longer than the path: that of a folder command is relative.
      {"h/i.wav", "/data/raw/h/i.wav: is silent, left out"}};
  EXPECT_THAT(
      count_reasons(failures),
      ElementsAre(Pair("holds the code N", 2), Pair("is too short", 2),
                  Pair("cannot be decoded", 1), Pair("expected path|speaker|language|text", 1),
                  Pair("has the shape", 1), Pair("is silent", 1), Pair("no transcript", 1)));
}

TEST(FailureList, IsWrittenAndGoesAgain) {
  const test::TempDir folder;
  const std::vector<Failure> failures{of("a.wav", "is silent", "leave it out"),
                                      of("b\n\xff.wav", "is\ttoo short")};
  const fs::path list = write_failure_list(folder.path(), "slice", {}, failures);
  EXPECT_EQ(list, folder / "koi-failures-slice.tsv");
  EXPECT_EQ(read_file(list),
            "a.wav\tis silent; leave it out\n"
            "b\\n\\xff.wav\tis\\ttoo short\n");
  EXPECT_TRUE(is_failure_list(list));
  EXPECT_EQ(write_failure_list(folder.path(), "slice", {}, {}), "");
  EXPECT_THAT(names_in(folder.path()), ElementsAre());
}

TEST(FailureList, StaysWhereItIsOfAnotherRankOrCommand) {
  const test::TempDir folder;
  const std::vector<Failure> one{of("a.wav", "is silent")};
  write_failure_list(folder.path(), "slice", {}, one);
  write_failure_list(folder.path(), "import", {}, one);
  write_failure_list(folder.path(), "slice", {0, 3}, one);
  write_failure_list(folder.path(), "slice", {1, 3}, one);
  write_failure_list(folder.path(), "slice", {2, 3}, {});
  EXPECT_THAT(names_in(folder.path()),
              ElementsAre("koi-failures-import.tsv", "koi-failures-slice-0-of-3.tsv",
                          "koi-failures-slice-1-of-3.tsv"));
  write_failure_list(folder.path(), "slice", {0, 2}, {});
  EXPECT_THAT(names_in(folder.path()), ElementsAre("koi-failures-import.tsv"));
  EXPECT_FALSE(is_failure_list("failures.tsv"));
  EXPECT_FALSE(is_failure_list("koi-failures-slice.lab"));
}

}  // namespace
}  // namespace koi::base
