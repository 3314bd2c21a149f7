#include "koi/train/advice.h"

#include <gmock/gmock.h>

#include <limits>

namespace koi::train {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

dataset::Sentence sentence(const std::string& text, double duration_s) {
  const auto frames = static_cast<size_t>(duration_s / kFrame_s + 0.5);
  return {.texts = {text}, .codes = dataset::CodeRows(8, std::vector<uint32_t>(frames, 1))};
}

// Ten sentences of six seconds a minute.
dataset::TextData speaker(const std::string& name, int minutes) {
  dataset::TextData data{.source = "folder", .name = name, .sentences = {}};
  for (int i = 0; i < 10 * minutes; ++i)
    data.sentences.push_back(sentence("안녕하세요, 여러분. 반갑습니다.", 6));
  return data;
}

std::vector<std::string> lines_for(const std::vector<dataset::TextData>& speakers,
                                   const dataset::EpochSummary& summary, const Settings& settings) {
  return advise(facts_of({{.groups = speakers}}), summary, settings, /*world_size=*/1);
}

Settings fitting_settings() {
  Settings settings;
  settings.max_length = 1024;
  settings.batch_size = 1;
  settings.max_steps = 300;
  return settings;
}

TEST(Advice, GrowsWithTheData) {
  const Advice small = suggest({.tokens = 8000, .longest_tokens = 300}, 5, 1);
  EXPECT_EQ(small.max_length, 1024);
  EXPECT_EQ(small.batch_size * small.accumulate_batches, 1);
  EXPECT_EQ(small.max_steps, 250);  // 30 * 8000 / 1024 = 234
  const Advice hour = suggest({.tokens = 100'000, .longest_tokens = 300}, 61, 1);
  EXPECT_EQ(hour.batch_size * hour.accumulate_batches, 2);
  EXPECT_EQ(hour.max_steps, 500);  // 10 * 100000 / 2048 = 488
  const Advice hours = suggest({.tokens = 2'000'000, .longest_tokens = 1300}, 1200, 1);
  EXPECT_EQ(hours.max_length, 2048);
  EXPECT_EQ(hours.batch_size, 4);
  EXPECT_EQ(hours.accumulate_batches, 1);
  EXPECT_EQ(hours.max_steps, 2450);  // 10 * 2000000 / 8192 = 2441
  const Advice many = suggest({.tokens = 2'000'000, .longest_tokens = 1000}, 1200, 1);
  EXPECT_EQ(many.batch_size, 4);
  EXPECT_EQ(many.accumulate_batches, 2);
  // Eight rows over three processes: three each.
  EXPECT_EQ(suggest({.tokens = 2'000'000, .longest_tokens = 1000}, 1200, 3).batch_size, 3);
  const Advice nothing = suggest({}, 0, 1);
  EXPECT_EQ(nothing.max_steps, 200);
  EXPECT_EQ(nothing.batch_size * nothing.accumulate_batches, 1);
}

TEST(Advice, GoodDataIsOnlyAdvised) {
  const auto lines =
      lines_for({speaker("민지", 12)}, {.tokens = 20'000, .rows = 20}, fitting_settings());
  EXPECT_THAT(lines, ElementsAre(HasSubstr(
                         "advice for 12.0 minutes: trainer.max_steps=400 data.batch_size=1 (a rule "
                         "of thumb); these settings go 15.0 times through the data in 300 steps")));
}

TEST(Advice, NamesWhatOnesSettingsDiffer) {
  Settings settings = fitting_settings();
  settings.max_length = 4096;
  settings.accumulate_batches = 4;
  EXPECT_THAT(lines_for({speaker("민지", 12)}, {.tokens = 20'000, .rows = 5}, settings)[0],
              HasSubstr("trainer.accumulate_grad_batches=1 max_length=1024"));
}

TEST(Advice, WarnsOfWhatHarms) {
  auto few = speaker("ann", 9);
  few.sentences[3].texts = {"이 문장은 여섯 초 안에 말할 수 없을 만큼 깁니다. " +
                            std::string(240, 'x')};
  auto other = speaker("bob", 1);
  other.sentences.resize(1);
  Settings settings = fitting_settings();
  settings.max_steps = 10'000;
  const auto lines = lines_for(
      {few, other}, {.tokens = 20'000, .rows = 20, .cut_sentences = 2, .longest_tokens = 1500},
      settings);
  EXPECT_THAT(lines, ElementsAre(HasSubstr("max_length=2048 (a rule of thumb)"),
                                 HasSubstr("warning: 9.1 minutes are little"),
                                 HasSubstr("2 sentences longer than max_length (1024 tokens, up to "
                                           "1500)"),
                                 HasSubstr("99 % of the speech is ann's"),
                                 HasSubstr("warning: 1 transcript cannot be what is said"),
                                 HasSubstr("trainer.early_stopping.patience=3")));
  EXPECT_THAT(lines[4],
              HasSubstr("\"이 문장은 여섯 초 안에 말할 수 없을 만큼 깁...\" (ann, 6.0 s);"));
  // However many there are.
  settings.max_steps = std::numeric_limits<int64_t>::max();
  settings.batch_size = 8;
  EXPECT_THAT(lines_for({few}, {.tokens = 20'000, .rows = 20}, settings),
              testing::Contains(HasSubstr("patience")));
  settings.patience = 3;
  EXPECT_THAT(lines_for({few}, {.tokens = 20'000, .rows = 20}, settings),
              Not(testing::Contains(HasSubstr("patience"))));
}

TEST(Advice, CountsWhatItDoesNotName) {
  auto data = speaker("ann", 12);
  for (size_t i = 0; i < 5; ++i) data.sentences[i].texts = {"가"};
  EXPECT_THAT(lines_for({data}, {.tokens = 20'000, .rows = 20}, fitting_settings())[1],
              testing::AllOf(HasSubstr("5 transcripts"), HasSubstr(" and 2 more; correct them")));
}

}  // namespace
}  // namespace koi::train
