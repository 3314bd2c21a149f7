// koi inspect on files of every kind.
#include <gmock/gmock.h>

#include "koi/base/files.h"
#include "tests/support/goldens.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

nlohmann::json inspect(const std::filesystem::path& file) {
  const RunResult result = koi({"inspect", file.string(), "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  return nlohmann::json::parse(result.out, nullptr, false);
}

// All sound files below `folder` with that extension; at least one in the default set.
std::vector<std::filesystem::path> files_with(const std::string& folder,
                                              const std::string& extension) {
  if (!have_golden(folder)) return {};
  const auto files = base::list_files(golden(folder), [&](const std::filesystem::path& path) {
    // Those of protos/streams are damaged on purpose.
    return path.extension() == extension && path.parent_path().filename() != "streams";
  });
  EXPECT_TRUE(!files.empty() || !default_goldens()) << extension;
  return files;
}

TEST(Inspect, TellsTheKindByTheContent) {
  const std::vector<std::tuple<std::string, std::string, std::string>> kinds{
      {"lm/tiny", ".pth", "torch checkpoint"},
      {"lm/train", ".ckpt", "Lightning checkpoint"},
      {"data/npy/good", ".npy", "npy array"},
      {"data/protos", ".protos", "shard of a data set"},
      {"codec/vqgan_inference", ".wav", "recording"}};
  for (const auto& [folder, extension, kind] : kinds) {
    for (const auto& file : files_with(folder, extension))
      EXPECT_EQ(inspect(file).value("kind", ""), kind) << file;
  }
  KOI_REQUIRE_GOLDEN("lm/tiny/tokenizer.json");
  EXPECT_EQ(inspect(golden("lm/tiny/tokenizer.json")).value("kind", ""), "tokenizer");
}

TEST(Inspect, LimitShortensTheList) {
  KOI_REQUIRE_GOLDEN("lm/tiny/model.pth");
  const std::string model = golden("lm/tiny/model.pth").string();
  const size_t all = inspect(model).at("parts").size();
  const RunResult result = koi({"inspect", model, "--limit", "2"});
  EXPECT_THAT(result.out, AllOf(StartsWith("torch checkpoint\n"),
                                HasSubstr("\nand " + std::to_string(all - 2) + " more\n")));
}

TEST(Inspect, BadFilesGiveOneLine) {
  const TempDir folder;
  base::write_file(folder / "a.pth", "no checkpoint");
  base::write_file(folder / "a.txt", "text");
  base::write_file(folder / "a.json", "{\"model\": 1}");
  const std::string hostile = KOI_SOURCE_DIR "/tests/fuzz/corpus/pth/calls_os_system.pth";
  for (const std::string& file :
       {(folder / "a.pth").string(), (folder / "a.txt").string(), (folder / "a.json").string(),
        (folder / "none").string(), hostile}) {
    const RunResult result = koi({"inspect", file});
    EXPECT_EQ(result.status, 1) << file;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, StartsWith("koi: error: " + file + ": "));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
  EXPECT_THAT(koi({"inspect", folder.path()}).err, HasSubstr("model.pth: no such file"));
  EXPECT_THAT(koi({"inspect", hostile}).err, HasSubstr("the pickle calls os.system"));
  EXPECT_EQ(koi({"inspect"}).status, 2);
}

}  // namespace
}  // namespace koi::test
