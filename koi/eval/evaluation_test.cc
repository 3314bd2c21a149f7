#include "koi/eval/evaluation.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "koi/audio/audio_file.h"
#include "koi/base/error.h"
#include "koi/base/folder_lock.h"
#include "koi/eval/report.h"
#include "tests/support/temp_dir.h"

namespace koi::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kRate_hz = 16000;

std::vector<float> tone(double seconds) {
  std::vector<float> samples(static_cast<size_t>(seconds * kRate_hz));
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = 0.5F * std::sin(0.1F * float(i));
  return samples;
}

class EvaluationTest : public testing::Test {
 protected:
  EvaluationTest() {
    for (const char* name : {"one", "two"})
      audio::write_wav_pcm16(recording(name), tone(1), kRate_hz);
    sentences = {{"one", "say one", recording("one")},
                 {"two", "say two", recording("two")},
                 {"셋", "say three"}};
  }

  base::fs::path recording(const std::string& name) const { return dir / (name + ".wav"); }

  // Speaks every sentence for so long.
  Voice voice(const std::string& name, double seconds) {
    return {.name = name, .identity = name, .load = [this, seconds]() -> Voice::Speak {
              ++loaded;
              return [this, seconds](const Sentence&) {
                ++spoken;
                return Spoken{tone(seconds), kRate_hz};
              };
            }};
  }

  // Hears all that the voice `heard` says, and of others one word.
  Program recognizer(const std::string& heard = "good") const {
    return {"ear", R"(awk -F '\t' '$2 != "" { print $1 "\t" ($1 ~ /^)" + heard +
                       R"(|^orig/ ? $3 : "say") }')"};
  }

  Evaluation evaluate(const std::vector<Voice>& voices) {
    const Events events{.on_take = [this](const Voice&, const Take&) { ++takes; },
                        .on_start = [this](const Program&, size_t count) { asked += count; },
                        .on_answer = [this] { ++answers; }};
    loaded = spoken = takes = 0;
    asked = answers = 0;
    return eval::evaluate(settings, sentences, voices, events);
  }
  std::string refusal(const std::vector<Voice>& voices) {
    try {
      evaluate(voices);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }

  const test::TempDir dir;
  std::vector<Sentence> sentences;
  Settings settings{.output = dir / "결과", .idle_s = 20};
  int loaded = 0, spoken = 0, takes = 0;
  size_t asked = 0, answers = 0;
};

TEST_F(EvaluationTest, MeasuresAllVoicesAndPutsTheBestFirst) {
  settings.recognizers = {recognizer()};
  settings.embedder = {"who",
                       R"(awk -F '\t' '$2 != "" { print $1 "\t1 " ($1 ~ /^bad/ ? 1 : 0) }')"};
  const Evaluation result = evaluate({voice("bad", 3), voice("good", 1.5), originals()});
  ASSERT_EQ(result.rows.size(), 3U);
  const Row &good = result.rows[0], &bad = result.rows[1], &recorded = result.rows[2];
  EXPECT_EQ(good.voice, "good");
  EXPECT_EQ(bad.voice, "bad");
  EXPECT_EQ(recorded.voice, "originals");
  EXPECT_EQ(good.totals.errors.at(0).words, (Errors{0, 6}));
  EXPECT_EQ(bad.totals.errors.at(0).words, (Errors{3, 6}));
  EXPECT_NEAR(*good.totals.likeness, 1, 1e-12);
  EXPECT_NEAR(*bad.totals.likeness, std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(*good.totals.duration_ratio, 1.5, 1e-9);
  EXPECT_EQ(recorded.results.size(), 2U);
  EXPECT_EQ(recorded.totals.score, 1);
  EXPECT_EQ(takes, 3 + 3 + 2);
  EXPECT_EQ(asked, 2U * 8);
  EXPECT_EQ(answers, asked);
  // The copy holds the recording's samples.
  EXPECT_EQ(audio::read_audio<float>(settings.output / "originals/one.wav").samples,
            audio::read_audio<float>(recording("one")).samples);
  EXPECT_TRUE(base::fs::exists(settings.output / "good/셋.wav"));
}

TEST_F(EvaluationTest, WhatIsThereIsNotMadeAgain) {
  settings.recognizers = {recognizer()};
  const std::vector<Voice> voices{voice("good", 1.5), voice("bad", 1.25), originals()};
  const std::string first = to_json(evaluate(voices), settings.output);
  EXPECT_EQ(spoken, 6);
  EXPECT_EQ(to_json(evaluate(voices), settings.output), first);
  EXPECT_EQ(loaded + spoken, 0);
  EXPECT_EQ(asked, 0U);
  EXPECT_EQ(takes, 8);

  // A file that is not what it was; a voice that is another one.
  base::fs::remove(settings.output / "good/one.wav");
  audio::write_wav_pcm16(settings.output / "bad/two.wav", tone(2), kRate_hz);
  EXPECT_EQ(to_json(evaluate(voices), settings.output), first);
  EXPECT_EQ(spoken, 2);
  EXPECT_EQ(asked, 0U);
  Voice other = voice("good", 2);
  other.identity = "another seed";
  evaluate({other, voices[1], voices[2]});
  EXPECT_EQ(spoken, 3);
  EXPECT_EQ(asked, 3U);
  // And back: that sound was heard before.
  EXPECT_EQ(to_json(evaluate(voices), settings.output), first);
  EXPECT_EQ(spoken, 3);
  EXPECT_EQ(asked, 0U);
}

TEST_F(EvaluationTest, AChangedRecordingIsSpokenAgain) {
  Voice codec = voice("codec", 1);
  codec.kind = Voice::Kind::codec;
  evaluate({codec});
  EXPECT_EQ(spoken, 2);
  audio::write_wav_pcm16(recording("one"), tone(2), kRate_hz);
  evaluate({codec});
  EXPECT_EQ(spoken, 1);
}

// A recording is not held against itself.
TEST_F(EvaluationTest, RecordingsAreLikeTheOthers) {
  settings.embedder = {"who", R"(awk -F '\t' '{ print $1 "\t" ($1 ~ /one/ ? "1 0" : "0 1") }')"};
  const Evaluation result = evaluate({originals()});
  EXPECT_NEAR(*result.rows[0].totals.likeness, 0, 1e-12);
}

TEST_F(EvaluationTest, AnswersDependOnTheProgramAndOnAllTexts) {
  settings.recognizers = {recognizer()};
  const std::vector<Voice> voices{voice("good", 1)};
  evaluate(voices);
  settings.recognizers = {recognizer("other")};
  evaluate(voices);
  EXPECT_EQ(asked, 3U);
  sentences.push_back({"four", "say four"});
  evaluate(voices);
  EXPECT_EQ(spoken, 1);
  EXPECT_EQ(asked, 4U);
  // A script that its command names.
  base::write_file(dir / "hear.sh", "cat >/dev/null; printf 'good/one\\t1\\n'");
  sentences.resize(1);
  settings.recognizers = {{"ear", "sh " + (dir / "hear.sh").string()}};
  EXPECT_EQ(evaluate(voices).rows[0].results[0].heard[0].hypothesis, "1");
  base::write_file(dir / "hear.sh", "cat >/dev/null; printf 'good/one\\t2\\n'");
  EXPECT_EQ(evaluate(voices).rows[0].results[0].heard[0].hypothesis, "2");
}

TEST_F(EvaluationTest, AProgramThatFailedIsAskedForTheRest) {
  const std::vector<Voice> voices{voice("good", 1)};
  const std::string mark = (dir / "mark").string();
  settings.recognizers = {
      {"ear", "if [ -e " + mark +
                  " ]; then awk -F '\\t' '$2 != \"\" { print $1 \"\\t\" NR }'; else mkdir " + mark +
                  "; printf 'good/two\\tfirst\\n'; exit 1; fi"}};
  EXPECT_THAT(refusal(voices), HasSubstr("ear: failed with status 1"));
  const Evaluation result = evaluate(voices);
  EXPECT_EQ(spoken, 0);
  EXPECT_EQ(asked, 2U);
  EXPECT_EQ(result.rows[0].results[0].heard[0].hypothesis, "1");
  EXPECT_EQ(result.rows[0].results[1].heard[0].hypothesis, "first");
  EXPECT_EQ(result.rows[0].results[2].heard[0].hypothesis, "3");
}

TEST_F(EvaluationTest, ASentenceThatFailsIsAllWrongAndTheOthersGoOn) {
  settings.recognizers = {recognizer()};
  Voice shaky = voice("good", 1);
  shaky.load = [] {
    return [](const Sentence& sentence) -> Spoken {
      if (sentence.name == "one") throw Error(ErrorKind::config, "model", "too long");
      if (sentence.name == "two") return {{}, kRate_hz};
      return {tone(1), kRate_hz, /*reached_limit=*/true};
    };
  };
  const Evaluation result = evaluate({shaky, originals()});
  const Row& row = result.rows[0];
  EXPECT_EQ(row.totals.failed, 2U);
  EXPECT_EQ(row.totals.reached_limit, 1U);
  EXPECT_EQ(row.totals.errors.at(0).words, (Errors{4, 6}));
  EXPECT_FALSE(row.totals.duration_ratio);
  const auto json = nlohmann::json::parse(to_json(result, settings.output))["rows"][0];
  EXPECT_THAT(json["results"][0]["failure"], "model: too long");
  EXPECT_THAT(json["results"][1]["failure"], "the voice ended its turn at once");
  EXPECT_EQ(json["results"][2]["wav"], "good/셋.wav");
  EXPECT_EQ(json["results"][2]["reached_limit"], true);
  EXPECT_EQ(json["recognizers"]["ear"]["wer"], 4.0 / 6);
  EXPECT_TRUE(json["duration_ratio"].is_null());
}

TEST_F(EvaluationTest, WhatCannotBeIsRefusedBeforeAnythingIsSpoken) {
  EXPECT_THAT(refusal({}), HasSubstr("nothing to evaluate"));
  EXPECT_THAT(refusal({voice("a", 1), voice("a", 2)}), HasSubstr("the name a comes twice"));
  settings.output = dir / "a\tb";
  EXPECT_THAT(refusal({voice("a", 1)}), HasSubstr("has a tab or a line end"));
  settings.output = dir / "결과";
  EXPECT_THAT(refusal({voice("../a", 1)}), HasSubstr("cannot be a file's"));
  EXPECT_THAT(refusal({voice("report.html", 1)}), HasSubstr("a file of koi eval's own"));
  settings.recognizers = {recognizer()};
  EXPECT_THAT(refusal({voice("ear.log", 1)}), HasSubstr("a file of koi eval's own"));
  settings.recognizers = {recognizer(), recognizer()};
  EXPECT_THAT(refusal({voice("a", 1)}), HasSubstr("the name ear comes twice"));
  settings.recognizers.clear();
  settings.embedder = {"who", "true"};
  EXPECT_THAT(refusal({voice("a", 1)}), HasSubstr("no recordings to be like"));
  settings.embedder.reset();
  base::make_folder(settings.output);
  base::FolderLock lock;
  ASSERT_TRUE(lock.try_lock(settings.output));
  EXPECT_THAT(refusal({voice("a", 1)}), HasSubstr("another koi eval is at work"));
  EXPECT_EQ(spoken, 0);
}

TEST_F(EvaluationTest, AnEmbedderThatWritesNonsenseIsNamed) {
  settings.embedder = {"who", R"(awk -F '\t' '$2 != "" { print $1 "\t1 x" }')"};
  EXPECT_THAT(refusal({originals()}),
              HasSubstr("who: its answer for originals/one: is no list of numbers"));
  settings.embedder = {"who", R"(awk -F '\t' '$2 != "" { print $1 "\t1" (NR > 1 ? " 2" : "") }')"};
  EXPECT_THAT(refusal({originals()}), HasSubstr("have 1 and 2 values"));
}

}  // namespace
}  // namespace koi::eval
