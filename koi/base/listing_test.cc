#include "koi/base/listing.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::base {
namespace {

bool is_wav(const fs::path& path) { return path.extension() == ".wav"; }

TEST(Listing, TellsWhatIsNoFileAndGoesOn) {
  const test::TempDir at;
  make_folder(at / "a.wav/b");
  write_file(at / "a.wav/b/1.wav", "");
  write_file(at / "2.wav", "");
  write_file(at / "3.lab", "");
  ASSERT_EQ(::mkfifo((at / "pipe.wav").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((at / "pipe.lab").c_str(), 0600), 0);
  fs::create_symlink("nowhere", at / "dangling.wav");
  fs::create_symlink("2.wav", at / "link.wav");
  fs::create_directory_symlink("..", at / "a.wav/circle");
  const Listing listing = list_entries(at.path(), is_wav);
  EXPECT_EQ(listing.files,
            (std::vector<fs::path>{at / "2.wav", at / "a.wav/b/1.wav", at / "link.wav"}));
  std::string odd;
  for (const OddEntry& entry : listing.odd)
    odd += entry.path.lexically_relative(at.path()).string() + " " + entry.what + "\n";
  EXPECT_EQ(odd,
            "a.wav is a folder, a file was expected\n"
            "a.wav/circle is a link to a folder, which is not entered\n"
            "dangling.wav is a link that leads nowhere\n"
            "pipe.wav is a pipe, a file was expected\n");
  EXPECT_EQ(list_files(at.path(), is_wav), listing.files);
  EXPECT_EQ(list_entries(at.path(), is_wav, false).files.size(), 2U);
  EXPECT_THROW(list_entries(at / "missing", is_wav), Error);
}

TEST(FindFile, TheFirstFolderThatHasIt) {
  const test::TempDir at;
  make_folder(at / "a");
  make_folder(at / "b/x");
  write_file(at / "a/y", "");
  write_file(at / "b/y", "");
  EXPECT_EQ(find_file("y", {at / "b", at / "a"}), at / "b/y");
  EXPECT_EQ(find_file(at / "a/y", {at / "b"}), at / "a/y");
  EXPECT_EQ(find_file("x", {at / "b"}), "");  // a folder
  EXPECT_EQ(find_file("", {at / "b"}), "");
}

}  // namespace
}  // namespace koi::base
