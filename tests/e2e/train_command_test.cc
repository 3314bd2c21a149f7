// The command line of `koi train` against the reference's, as recorded with a stand-in program that
// only says how it was configured (tests/goldens/data/config/command_line.json).
#include <gmock/gmock.h>

#include <algorithm>

#include "koi/base/files.h"
#include "tests/support/goldens.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

bool has(const std::vector<std::string>& arguments, const std::string& word) {
  return std::find(arguments.begin(), arguments.end(), word) != arguments.end();
}

bool names_config(const std::vector<std::string>& arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [](const std::string& argument) {
    return argument.starts_with("--config-name") || argument == "-cn";
  });
}

std::string joined(const json& lines) {
  std::string text;
  for (const json& line : lines) text += line.get<std::string>() + "\n";
  return text;
}

TEST(TrainCommand, ReadsTheReferencesCommandLines) {
  KOI_REQUIRE_GOLDEN("data/config/command_line.json");
  const TempDir folder;
  const json cases = read_json(golden("data/config/command_line.json"));
  ASSERT_FALSE(cases.empty());
  for (const json& expected : cases) {
    SCOPED_TRACE(expected.at("argv").dump());
    auto arguments = expected.at("argv").get<std::vector<std::string>>();
    const bool shows = has(arguments, "--cfg");
    const bool sweeps = has(arguments, "-m");
    arguments.insert(arguments.begin(), "train");
    if (!shows) arguments.insert(arguments.end(), {"--cfg", "job", "--resolve", "-p", "paths"});
    const RunResult found = koi(arguments, folder.path());
    if (sweeps) {  // Differs: there are no sweeps.
      EXPECT_EQ(found.status, 2) << found.err;
      EXPECT_THAT(found.err, HasSubstr("sweeps"));
    } else if (!names_config(arguments)) {  // Differs: the configuration has a default.
      EXPECT_EQ(found.status, 0) << found.err;
    } else if (expected.at("rc") != 0) {
      EXPECT_EQ(found.status, expected.at("rc").get<int>()) << found.err;
      EXPECT_EQ(std::count(found.err.begin(), found.err.end(), '\n'), 1) << found.err;
    } else if (shows) {  // The record holds the beginning of the output.
      EXPECT_THAT(found.out, testing::StartsWith(joined(expected.at("stdout"))));
    } else {
      const auto run_line = expected.at("stdout").at(0).get<std::string>();  // RUN project True
      const std::string project = run_line.substr(4, run_line.rfind(' ') - 4);
      EXPECT_EQ(found.status, 0) << found.err;
      EXPECT_THAT(found.out, HasSubstr("run_dir: results/" + project + "\n"));
    }
  }
}

TEST(TrainCommand, MistakesAreOneLine) {
  const TempDir folder;
  struct Mistake {
    std::vector<std::string> arguments;
    int status;
    const char* says;
  };
  const std::vector<Mistake> mistakes{
      {{"trainer.max_step=1"}, 1, "did you mean trainer.max_steps?"},
      {{"trainer.max_steps=ten"}, 1, "expected an integer, found string ten"},
      {{"--no-such-flag"}, 2, "--no-such-flag"},
      {{"--config-name", "nothing"}, 1, "there is no such configuration"},
      {{"--cfg", "all"}, 2, "expected job or hydra"},
      {{"--device", "quantum"}, 2, "quantum"},
      {{"project=x", "pretrained_ckpt_path=absent"}, 1, "absent"}};
  for (const Mistake& mistake : mistakes) {
    std::vector<std::string> arguments{"train"};
    arguments.insert(arguments.end(), mistake.arguments.begin(), mistake.arguments.end());
    const RunResult found = koi(arguments, folder.path());
    EXPECT_EQ(found.status, mistake.status) << found.err;
    EXPECT_THAT(found.err, HasSubstr(mistake.says));
  }
}

TEST(TrainCommand, AFolderOfTheUsersOwn) {
  const TempDir folder;
  base::make_folder(folder / "mine");
  base::write_file(folder / "mine/voice.yaml",
                   "defaults: [text2semantic_finetune, _self_]\nproject: 목소리\n");
  const RunResult found = koi(
      {"train", "--config-dir", "mine", "--config-name", "voice", "--cfg", "job", "-p", "project"},
      folder.path());
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_EQ(found.out, "# @package project\n목소리\n");
}

}  // namespace
}  // namespace koi::test
