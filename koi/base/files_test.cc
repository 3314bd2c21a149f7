#include "koi/base/files.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "koi/base/error.h"
#include "koi/base/parallel.h"
#include "tests/support/temp_dir.h"

namespace koi::base {
namespace {

using testing::ElementsAre;

class FilesTest : public testing::Test {
 protected:
  std::vector<std::string> listed(const std::vector<fs::path>& paths) const {
    std::vector<std::string> names;
    for (const fs::path& path : paths) names.push_back(path.lexically_relative(dir_.path()));
    return names;
  }
  std::vector<std::string> all() const {
    return listed(list_files(dir_.path(), [](const fs::path&) { return true; }));
  }

  test::TempDir dir_;
};

ErrorKind kind_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::internal;
}

TEST_F(FilesTest, reads_and_maps_whole_files) {
  const std::string bytes("a\0\nb", 4);
  write_file(dir_ / "f", bytes);
  EXPECT_EQ(read_file(dir_ / "f"), bytes);
  EXPECT_EQ(MappedFile::open(dir_ / "f")->bytes(), bytes);
  write_file(dir_ / "empty", "");
  EXPECT_EQ(read_file(dir_ / "empty"), "");
  EXPECT_EQ(MappedFile::open(dir_ / "empty")->bytes(), "");
}

TEST_F(FilesTest, what_cannot_be_read_is_an_error) {
  EXPECT_EQ(kind_of([&] { read_file(dir_ / "none"); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] { MappedFile::open(dir_ / "none"); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] { read_file(dir_.path()); }), ErrorKind::io);
  EXPECT_EQ(kind_of([&] { MappedFile::open(dir_.path()); }), ErrorKind::io);
  write_file(dir_ / "f", "12345");
  EXPECT_EQ(kind_of([&] { read_file(dir_ / "f/g"); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] { read_file(dir_ / "f", 4); }), ErrorKind::unsupported);
  ASSERT_EQ(::mkfifo((dir_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(kind_of([&] { read_file(dir_ / "pipe"); }), ErrorKind::io);  // and does not block
}

TEST_F(FilesTest, an_atomic_file_appears_with_its_commit) {
  AtomicFile file(dir_ / "out");
  file.write("ab");
  file.write("c");
  EXPECT_EQ(file.position(), 3U);
  EXPECT_FALSE(fs::exists(dir_ / "out"));
  file.commit();
  EXPECT_EQ(read_file(dir_ / "out"), "abc");
  EXPECT_THAT(all(), ElementsAre("out"));
}

TEST_F(FilesTest, without_a_commit_all_is_as_it_was) {
  write_file(dir_ / "out", "old");
  {
    AtomicFile file(dir_ / "out");
    file.write("new");
  }
  EXPECT_EQ(read_file(dir_ / "out"), "old");
  EXPECT_THAT(all(), ElementsAre("out"));
}

TEST_F(FilesTest, a_write_that_fails_leaves_nothing) {
  EXPECT_EQ(kind_of([&] { write_file(dir_ / "none/out", "a"); }), ErrorKind::not_found);
  make_folder(dir_ / "folder");
  EXPECT_EQ(kind_of([&] { write_file(dir_ / "folder", "a"); }), ErrorKind::io);
  EXPECT_THAT(all(), ElementsAre());
  write_file(dir_ / "file", "");
  EXPECT_EQ(kind_of([&] { write_file(dir_ / "file/out", "a"); }), ErrorKind::not_found);
  EXPECT_THAT(all(), ElementsAre("file"));
}

TEST_F(FilesTest, written_files_take_the_users_mask_from_any_number_of_threads) {
  const mode_t before = ::umask(027);
  parallel_for(64, 8, [&](size_t i) { write_file(dir_ / std::to_string(i), "x"); });
  EXPECT_EQ(::umask(before), 027U);
  EXPECT_EQ(all().size(), 64U);
  for (size_t i = 0; i < 64; ++i)
    EXPECT_EQ(fs::status(dir_ / std::to_string(i)).permissions(), fs::perms(0640));
}

TEST_F(FilesTest, long_and_foreign_names_are_written) {
  const std::string long_name(255, 'n');
  write_file(dir_ / long_name, "a");
  write_file(dir_ / "녹음 1.wav", "b");
  EXPECT_THAT(all(), ElementsAre(long_name, "녹음 1.wav"));
}

TEST_F(FilesTest, lists_below_in_the_order_of_path_parts) {
  for (const char* folder : {"a", "a-1", "b/c"}) make_folder(dir_ / folder);
  for (const char* file : {"b/c/z", "a-1/b", "a/b", "a/B", "A", "é"}) write_file(dir_ / file, "");
  EXPECT_THAT(all(), ElementsAre("A", "a/B", "a/b", "a-1/b", "b/c/z", "é"));
  const auto not_b = [](const fs::path& path) { return path.filename() != "b"; };
  EXPECT_THAT(listed(list_files(dir_.path(), not_b)), ElementsAre("A", "a/B", "b/c/z", "é"));
  EXPECT_THAT(listed(list_files(dir_.path(), not_b, false)), ElementsAre("A", "é"));
}

TEST_F(FilesTest, links_to_files_are_files_and_links_to_folders_are_left_out) {
  make_folder(dir_ / "a");
  write_file(dir_ / "a/f", "");
  fs::create_directory_symlink(dir_.path(), dir_ / "a/circle");
  fs::create_symlink(dir_ / "a/f", dir_ / "link");
  fs::create_symlink("loop", dir_ / "loop");
  fs::create_symlink("nowhere", dir_ / "broken");
  EXPECT_THAT(all(), ElementsAre("a/f", "link"));
}

TEST_F(FilesTest, a_folder_that_is_none_is_an_error) {
  const auto any = [](const fs::path&) { return true; };
  write_file(dir_ / "f", "");
  EXPECT_EQ(kind_of([&] { list_files(dir_ / "none", any); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] { list_files(dir_ / "f", any); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] { make_folder(dir_ / "f"); }), ErrorKind::io);
  EXPECT_EQ(kind_of([&] { make_folder(dir_ / "f/g"); }), ErrorKind::io);
  EXPECT_NO_THROW(make_folder(dir_ / "x/y/z"));
  EXPECT_NO_THROW(make_folder(dir_ / "x/y/z"));
}

TEST(LowerExtension, is_that_of_the_name_in_ascii_lower_case) {
  EXPECT_EQ(lower_extension("a/X.WAV"), ".wav");
  EXPECT_EQ(lower_extension("a.b.Lab"), ".lab");
  EXPECT_EQ(lower_extension("a.b/c"), "");
  EXPECT_EQ(lower_extension(".wav"), "");
}

}  // namespace
}  // namespace koi::base
