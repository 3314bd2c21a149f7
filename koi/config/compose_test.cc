#include "koi/config/compose.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/config/reader.h"
#include "koi/config/unread.h"
#include "koi/config/yaml.h"
#include "tests/support/temp_dir.h"

namespace koi::config {
namespace {

using testing::HasSubstr;

std::string error_of(const std::vector<std::string>& overrides,
                     const std::string& name = "text2semantic_finetune") {
  try {
    compose(name, overrides);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Compose, UnknownNamesComeWithTheNearestOne) {
  EXPECT_THAT(error_of({"trainer.max_step=5"}), HasSubstr("did you mean trainer.max_steps?"));
  EXPECT_THAT(error_of({"max_steps=5"}), HasSubstr("did you mean trainer.max_steps?"));
  EXPECT_THAT(error_of({"trainer={max_stepz:5}"}), HasSubstr("did you mean trainer.max_steps?"));
  EXPECT_THAT(error_of({"~trainer.precison"}), HasSubstr("did you mean trainer.precision?"));
  EXPECT_THAT(error_of({"+lora@model.model.lora_config=r_9"}), HasSubstr("lora/r_8_alpha_16"));
  EXPECT_THAT(error_of({}, "no_such"), HasSubstr("text2semantic_finetune"));
  EXPECT_THAT(error_of({"hydra.job.chdir=true"}), HasSubstr("there is no key hydra.job"));
  EXPECT_THAT(error_of({"+trainer.max_steps=5"}), HasSubstr("already there"));
  EXPECT_THAT(error_of({"trainer.max_steps.x=5"}), HasSubstr("there is no key"));
  EXPECT_THAT(error_of({"train_dataset.proto_files.7=x"}), HasSubstr("the list has no item 7"));
}

TEST(Compose, TheUsersFolderComesFirst) {
  const test::TempDir folder;
  base::make_folder(folder / "lora");
  base::write_file(folder / "lora/r_4.yaml", "r: 4\nlora_alpha: 8\nlora_dropout: 0.0\n");
  base::write_file(folder / "mine.yaml",
                   "defaults:\n- text2semantic_finetune\n- lora@model.model.lora_config: r_4\n"
                   "- _self_\ntrainer:\n  max_steps: 7\n");
  const Sources sources{folder.path()};
  const Node config = compose("mine.yaml", {}, sources).config;
  EXPECT_EQ(*config.find("trainer.max_steps"), Node(int64_t{7}));
  EXPECT_EQ(*config.find("model.model.lora_config.r"), Node(int64_t{4}));
  EXPECT_EQ(config.find("defaults"), nullptr);

  const std::vector<std::string> other{"lora@model.model.lora_config=r_8_alpha_16"};
  EXPECT_EQ(*compose("mine", other, sources).config.find("model.model.lora_config.r"),
            Node(int64_t{8}));
  const std::vector<std::string> without{"~lora@model.model.lora_config"};
  EXPECT_TRUE(compose("mine", without, sources).config.find("model.model.lora_config")->is_null());
  const std::vector<std::string> again{"+lora@model.model.lora_config=r_4"};
  EXPECT_THROW(compose("mine", again, sources), Error);
}

TEST(Compose, BadFilesAreNamed) {
  const test::TempDir folder;
  const Sources sources{folder.path()};
  base::write_file(folder / "circle.yaml", "defaults: [circle]\n");
  base::write_file(folder / "list.yaml", "- 1\n");
  base::write_file(folder / "wrong.yaml", "defaults: [[base]]\n");
  base::write_file(folder / "broken.yaml", "a: [\n");
  for (const char* name : {"circle", "list", "wrong", "broken", "absent"}) {
    EXPECT_THROW(compose(name, {}, sources), Error) << name;
  }
}

TEST(Unread, OverridesWithoutEffectAreNamed) {
  const std::vector<std::string> overrides{
      "max_length=64",   "+nobody.asks=1",       "train_dataset.proto_files.0=x",
      "project=p",       "+train_dataset.no=1",  "~callbacks",
      "hydra.run.dir=o", "trainer.benchmark=no", "+lora@model.model.lora_config=r_8_alpha_16",
  };
  const Node config = compose("text2semantic_finetune", overrides).config;
  const std::set<std::string> asked{"data.train_dataset.max_length", "paths.run_dir",
                                    "data.train_dataset.proto_files", "model.model.lora_config.r"};
  EXPECT_THAT(
      unread_overrides(overrides, config, asked),
      testing::ElementsAre("+nobody.asks=1", "+train_dataset.no=1", "trainer.benchmark=no"));
}

TEST(Reader, TakesTypedValuesAndRemembersKeys) {
  const Node root = parse_yaml("a: 3\nb: 1e3\nc: x\nd: null\ne: [p, 1]\nf: [0.9, 1]\ng: true", "t");
  Reader reader(root);
  int64_t integer = 0;
  double real = 0;
  bool flag = false;
  std::string text;
  std::vector<std::string> texts;
  std::vector<double> reals;
  reader.read("b", integer);
  EXPECT_EQ(integer, 1000);
  reader.read("a", real);
  EXPECT_EQ(real, 3);
  reader.read("a", text);
  EXPECT_EQ(text, "3");
  reader.read("g", flag);
  EXPECT_TRUE(flag);
  reader.read("e", texts);
  EXPECT_THAT(texts, testing::ElementsAre("p", "1"));
  reader.read("c", texts);
  EXPECT_THAT(texts, testing::ElementsAre("x"));
  reader.read("f", reals);
  EXPECT_THAT(reals, testing::ElementsAre(0.9, 1));
  EXPECT_FALSE(reader.has("d"));
  EXPECT_FALSE(reader.has("nowhere.x"));
  reader.read_optional("d", integer);
  EXPECT_EQ(integer, 1000);
  EXPECT_THAT(reader.asked(), testing::Contains("nowhere.x"));
  EXPECT_THROW(reader.read("c", integer), Error);
  EXPECT_THROW(reader.read("c", flag), Error);
  EXPECT_THROW(reader.read("d", real), Error);
  EXPECT_THROW(reader.read("absent", real), Error);
  EXPECT_THROW(reader.read("e", text), Error);
}

}  // namespace
}  // namespace koi::config
