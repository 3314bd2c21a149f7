#include "koi/checkpoint/codec_file.h"

#include <gmock/gmock.h>

#include <functional>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::checkpoint {
namespace {

using testing::HasSubstr;

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void touch(const base::fs::path& path) { base::write_file(path, ""); }

TEST(FindCodec, PublishedNameThenTheOnlyGenerator) {
  const test::TempDir folder;
  EXPECT_THAT(message_of([&] { find_codec(folder / "none"); }), HasSubstr("none"));
  touch(folder / "model.pth");
  EXPECT_THAT(message_of([&] { find_codec(folder.path()); }),
              testing::AllOf(HasSubstr("no codec"), HasSubstr("--codec-path")));
  touch(folder / "my-generator-2.pth");
  EXPECT_EQ(find_codec(folder.path()), folder / "my-generator-2.pth");
  touch(folder / "other-generator.pth");
  EXPECT_THAT(message_of([&] { find_codec(folder.path()); }), HasSubstr("other-generator.pth"));
  touch(folder / kPublishedCodec);
  EXPECT_EQ(find_codec(folder.path()), folder / kPublishedCodec);
}

}  // namespace
}  // namespace koi::checkpoint
