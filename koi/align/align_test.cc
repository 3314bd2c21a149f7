#include "koi/align/align.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "koi/align/clips.h"
#include "koi/align/spoken_units.h"
#include "koi/base/random.h"

namespace koi::align {
namespace {

// A reader who takes 0.11 s a unit, more or less, and pauses longer behind sentences.
class Scene {
 public:
  explicit Scene(uint64_t seed) : random_(seed) {}

  // Sentences of two phrases with words of their own.
  void write(size_t sentences) {
    std::string text;
    for (size_t i = 0; i < sentences; ++i) {
      text += "Word";
      for (uint64_t k = random_.below(8) + 1; k-- > 0;) text += " banana";
      text += ",";
      for (uint64_t k = random_.below(10) + 1; k-- > 0;) text += " tomato";
      text += ".\n";
    }
    phrases = split_phrases(text);
  }

  void pause(double shortest_s, double longest_s) {
    time_s_ += shortest_s + random_.random() * (longest_s - shortest_s);
  }

  // So many seconds of speech, with a pause in it now and then.
  void speak(double seconds) {
    while (seconds > 1.2) {
      stretch(0.9);
      seconds -= 0.9;
      pause(0.1, 0.18);
    }
    stretch(seconds);
  }

  void read(size_t first, size_t last) {
    for (size_t i = first; i < last; ++i) {
      speak((phrases[i].units + kUnitsPerPause) * 0.11 * (0.9 + 0.2 * random_.random()));
      ends.push_back(map.speech.size());
      phrases[i].ending == Ending::comma ? pause(0.12, 0.3) : pause(0.35, 0.9);
    }
    map.duration_s = time_s_;
  }

  std::vector<Phrase> phrases;
  SpeechMap map;
  std::vector<size_t> ends;  // the pause behind each phrase that was read

 private:
  void stretch(double seconds) {
    map.speech.push_back({time_s_, time_s_ + seconds});
    time_s_ += seconds;
  }

  base::PythonRandom random_;
  double time_s_ = 0.5;
};

TEST(Align, FindsEverySentence) {
  Scene scene(1);
  scene.write(60);
  scene.read(0, scene.phrases.size());
  double share = 0;
  const Alignment found = align(scene.phrases, scene.map, [&share](double done) {
    EXPECT_GT(done, share);
    share = done;
  });
  EXPECT_DOUBLE_EQ(share, 1);
  EXPECT_GT(found.fits, 0.99);
  const std::vector<Group>& groups = found.groups;
  size_t phrase = 0, pause = 0, right = 0;
  for (const Group& group : groups) {
    EXPECT_EQ(group.first, phrase);
    EXPECT_EQ(group.from, pause);
    phrase = group.last;
    pause = group.to;
    right += group.to == scene.ends[group.last - 1] ? 1 : 0;
    EXPECT_GE(group.ends, 0);
    EXPECT_LE(group.ends, 1 + 1e-6);
  }
  EXPECT_EQ(phrase, scene.phrases.size());
  EXPECT_EQ(pause, scene.map.speech.size());
  EXPECT_GE(right, groups.size() - 2);
}

TEST(Align, LeavesOutWhatIsNotReadAndWhatIsNotWritten) {
  Scene scene(2);
  scene.write(60);
  scene.speak(15);  // an introduction
  scene.pause(1, 2);
  const size_t introduction = scene.map.speech.size();
  scene.read(0, 60);
  scene.read(64, 120);  // two sentences are missing
  const Alignment found = align(scene.phrases, scene.map);
  const std::vector<Group>& groups = found.groups;
  ASSERT_FALSE(groups.empty());
  EXPECT_EQ(groups.front().from, introduction);
  EXPECT_EQ(groups.back().to, scene.map.speech.size());
  size_t read = 0;
  for (const Group& group : groups) {
    read += group.last - group.first;
    // Which phrase at the edges of the gap is read nothing tells for sure.
    const bool within = group.last > 61 && group.first < 63;
    EXPECT_TRUE(!within || group.begins < 0.5) << group.first;
  }
  EXPECT_NEAR(static_cast<double>(read), 116, 1);
  const auto clips = choose_clips(scene.phrases, scene.map, found, {});
  size_t unread = 0;
  std::string text;
  for (const Clip& clip : clips) {
    unread += clip.time ? 0 : 1;
    text += (text.empty() ? "" : " ") + clip.text;
  }
  EXPECT_EQ(unread, 1U);
  EXPECT_EQ(text, join_phrases(scene.phrases, 0, scene.phrases.size()));
}

TEST(Align, AnotherTextDoesNotFit) {
  Scene scene(5), other(6);
  scene.write(40);
  scene.read(0, scene.phrases.size());
  other.write(40);
  const Alignment found = align(other.phrases, scene.map);
  double confidence = 0;
  const auto clips = choose_clips(other.phrases, scene.map, found, {});
  for (const Clip& clip : clips) confidence += clip.confidence;
  EXPECT_LT(confidence / static_cast<double>(clips.size()), 0.3);
}

TEST(Align, OneSentenceAndNoRoom) {
  Scene scene(3);
  scene.write(1);
  scene.read(0, 2);
  const auto groups = align(scene.phrases, scene.map).groups;
  ASSERT_FALSE(groups.empty());
  EXPECT_EQ(groups.front().first, 0U);
  EXPECT_EQ(groups.back().last, 2U);
  EXPECT_GT(groups.front().begins, 0.8);
  // A hundred sentences cannot be read in this time: few are found, and none is sure.
  scene.write(100);
  for (const Group& group : align(scene.phrases, scene.map).groups) EXPECT_LT(group.begins, 0.5);
}

TEST(Align, TenThousandSentencesTakeTheirTimeButNotTheSquareOfIt) {
  Scene scene(4);
  scene.write(10000);
  scene.read(0, scene.phrases.size());
  const std::clock_t start = std::clock();
  const auto groups = align(scene.phrases, scene.map).groups;
  // 11 hours of speech; 29 s were measured.
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 200);
  size_t right = 0;
  for (const Group& group : groups) right += group.to == scene.ends[group.last - 1] ? 1 : 0;
  EXPECT_GT(static_cast<double>(right), 0.97 * static_cast<double>(groups.size()));
  EXPECT_EQ(groups.back().last, scene.phrases.size());
}

TEST(Clips, KeepTheLengthsWhereTheyCan) {
  // Phrases that are read in 1 s each, every fifth ends a sentence.
  std::vector<Phrase> phrases;
  SpeechMap map{.duration_s = 61};
  std::vector<Group> groups;
  for (size_t i = 0; i < 40; ++i) {
    phrases.push_back({"la", 10, i % 5 == 4 ? Ending::sentence : Ending::comma});
    map.speech.push_back({1.5 * static_cast<double>(i) + 0.5, 1.5 * static_cast<double>(i) + 1.5});
    groups.push_back({i, i + 1, i, i + 1, 1, 1});
  }
  const auto lengths = [&](const ClipOptions& options) {
    std::vector<double> found;
    for (const Clip& clip : choose_clips(phrases, map, {groups, 1}, options)) {
      EXPECT_DOUBLE_EQ(clip.confidence, 1);
      found.push_back(std::round(10 * clip.time->duration_s()) / 10);
    }
    return found;
  };
  // A sentence takes 7 s, with 0.2 s of silence at both ends.
  EXPECT_EQ(lengths({}), std::vector<double>(8, 7.4));
  EXPECT_EQ(lengths({.shortest_s = 30, .longest_s = 20}), std::vector<double>(4, 14.9));
  for (const double length_s : lengths({.shortest_s = 1, .longest_s = 4})) EXPECT_LT(length_s, 5.5);
  // Pauses are shared between neighbours that are nearer than that.
  map.speech[4].end_s += 0.4;
  EXPECT_NEAR(choose_clips(phrases, map, {groups, 1}, {})[0].time->end_s, 7.95, 1e-9);
  // Nobody knows where the first sentence ends: both are one clip.
  groups[4].ends = groups[5].begins = 0.3;
  const auto unsure = choose_clips(phrases, map, {groups, 1}, {});
  EXPECT_EQ(unsure.size(), 7U);
  EXPECT_DOUBLE_EQ(unsure[0].confidence, 1);
  EXPECT_DOUBLE_EQ(choose_clips(phrases, map, {groups, 0.4}, {})[0].confidence, 0.4);
}

}  // namespace
}  // namespace koi::align
