// The loop that a GPU runs, on the CPU: with graphs that record operations (watched_ops.h) and
// without.
#include "koi/speech/device_frames.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/speech/long_text.h"
#include "koi/tensor/device.h"
#include "tests/support/goldens.h"
#include "tests/support/watched_ops.h"

namespace koi::speech {
namespace {

using test::RecordedGraph;

constexpr int64_t kContext = 600;

SpeechModel tiny_model(Drawing drawing) {
  tensor::set_threads(1);  // the model is too small to share
  SpeechModel model = load_speech_model(test::golden("lm/tiny"), {.max_seq_len = kContext});
  model.drawing = drawing;
  return model;
}
const SpeechModel& by_host() {
  static const SpeechModel model = tiny_model(Drawing::by_host);
  return model;
}
const SpeechModel& on_device() {
  static const SpeechModel model = tiny_model(Drawing::on_device);
  return model;
}

TokenColumns prompt_of(std::string_view text) {
  return encode_tokens(by_host().tokenizer, text, nullptr, by_host().prompt_options());
}

std::vector<Noise> noises(size_t count) {
  std::vector<Noise> result;
  for (size_t i = 0; i < count; ++i) result.push_back(portable_noise(static_cast<uint32_t>(i) + 5));
  return result;
}

GenerateOptions hot(int64_t frames) {
  GenerateOptions options;
  options.sampling = {.temperature = 3, .top_p = 0.95, .repetition_penalty = 1.5};
  options.max_new_tokens = frames;
  return options;
}

std::vector<std::vector<int32_t>> values_of(const std::vector<TokenColumns>& spoken) {
  std::vector<std::vector<int32_t>> values;
  for (const TokenColumns& columns : spoken) values.push_back(columns.values);
  return values;
}

// What both ways say to the same prompts, several times over with the same speaker.
void expect_same_speech(const std::vector<std::vector<TokenColumns>>& turns,
                        const GenerateOptions& options) {
  const size_t most = std::max_element(turns.begin(), turns.end(), [](auto& a, auto& b) {
                        return a.size() < b.size();
                      })->size();
  Speaker host(by_host(), noises(most)), device(on_device(), noises(most));
  for (const std::vector<TokenColumns>& prompts : turns) {
    const auto expected = values_of(host.speak(prompts, options));
    EXPECT_EQ(values_of(device.speak(prompts, options)), expected);
    EXPECT_EQ(device.computed_columns(), host.computed_columns());
  }
}

std::vector<std::vector<TokenColumns>> some_turns() {
  return {{prompt_of("a small boat."), prompt_of("the sea"), prompt_of("x")},
          {prompt_of("a small boat. again"), prompt_of("the")},
          {prompt_of("a small boat."), prompt_of("the sea and the sky"), prompt_of("y")}};
}

TEST(DeviceFrames, SayWhatTheHostDraws) {
  for (const bool recorded : {false, true}) {
    SCOPED_TRACE(recorded);
    std::optional<test::RecordingOnCpu> recording;
    if (recorded) recording.emplace();
    for (const bool constrained : {true, false}) {
      SCOPED_TRACE(constrained);
      GenerateOptions options = hot(24);
      options.constrained = constrained;
      expect_same_speech(some_turns(), options);
      options.min_new_tokens = 9;
      expect_same_speech(some_turns(), options);
      options.sampling.greedy = true;
      expect_same_speech(some_turns(), options);
    }
    EXPECT_EQ(RecordedGraph::use().captured, recorded ? 6 : 0);
    EXPECT_EQ(RecordedGraph::use().replayed > 300, recorded);
  }
}

TEST(DeviceFrames, EveryLengthUpToTheOneThatIsAsked) {
  const std::vector<TokenColumns> prompts{prompt_of("a small boat.")};
  for (const int64_t frames : {1, 2, 3, 4, 5}) expect_same_speech({prompts, prompts}, hot(frames));
}

// What was recorded for one setting is not played for another.
TEST(DeviceFrames, SettingsMayChangeFromTurnToTurn) {
  const test::RecordingOnCpu recording;
  std::vector<GenerateOptions> every(4, hot(6));
  every[1].constrained = false;
  every[2].sampling.temperature = 0.8;
  every[3].sampling.greedy = true;
  for (GenerateOptions& options : every) options.min_new_tokens = 6;  // none is drawn in vain
  Speaker host(by_host(), noises(1)), device(on_device(), noises(1));
  const std::vector<TokenColumns> prompts{prompt_of("a small boat.")};
  for (size_t i = 0; i < every.size(); ++i) {
    SCOPED_TRACE(i);
    const auto expected = values_of(host.speak(prompts, every[i]));
    EXPECT_EQ(values_of(device.speak(prompts, every[i])), expected);
  }
}

TEST(DeviceFrames, SomeAreAskedForAheadAndNoneBehindTheLast) {
  int64_t drawn = 0;
  const std::unique_ptr<Frames> frames = make_frames(on_device(), {[&](std::span<float> row) {
                                                       std::fill(row.begin(), row.end(), 1.0F);
                                                       if (row.size() == 2) ++drawn;
                                                     }});
  frames->steps().append(0, prompt_of("a boat"));
  const GenerateOptions options = hot(6);
  frames->begin(1, options);
  std::vector<int64_t> asked;
  for (int frame = 0; frame < 6; ++frame) {
    frames->next(std::vector<size_t>{0});
    asked.push_back(drawn);
  }
  EXPECT_THAT(asked, testing::ElementsAre(4, 5, 6, 6, 6, 6));
}

// <|im_end|> wins in the frame `last` and not before, wherever draws begin.
Noise ends_behind(int64_t last) {
  return [last, frame = int64_t{0}](std::span<float> row) mutable {
    std::fill(row.begin(), row.end(), 1.0F);
    if (row.size() == 2) row[1] = ++frame % last == 0 ? 1e-30F : 1e30F;
  };
}

TEST(DeviceFrames, TheEndIsSeenLateAndCutOff) {
  GenerateOptions options = hot(60);
  options.sampling.top_p = 1;
  std::vector<size_t> told(2);
  options.on_frame = [&](size_t prompt, std::span<const int32_t>) { ++told[prompt]; };
  Speaker speaker(on_device(), {ends_behind(7), ends_behind(20)});
  const std::vector<TokenColumns> prompts{prompt_of("one"), prompt_of("two")};
  for (int turn = 1; turn <= 3; ++turn) {  // noise that was drawn too soon is not lost
    const std::vector<TokenColumns> spoken = speaker.speak(prompts, options);
    EXPECT_EQ(spoken[0].columns(), 7);
    EXPECT_EQ(spoken[1].columns(), 20);
    EXPECT_EQ(spoken[0].column(6)[0], on_device().im_end_id);
    EXPECT_EQ(told, (std::vector<size_t>{7U * static_cast<size_t>(turn),
                                         20U * static_cast<size_t>(turn)}));
  }
}

// The context's end, and with it several spans, of which each is recorded. Each column is looked at
// sharply, so that none can be missed.
TEST(DeviceFrames, SpansGrowToTheEndOfTheContext) {
  const test::RecordingOnCpu recording;
  GenerateOptions options = hot(0);
  options.min_new_tokens = kContext;
  SpeechModel sharp = tiny_model(Drawing::by_host);
  for (lm::Block& block : sharp.model.layers)
    block.attention.wqkv.weight = block.attention.wqkv.weight * 8;
  SpeechModel sharp_on_device = sharp;
  sharp_on_device.drawing = Drawing::on_device;
  Speaker host(sharp, noises(1)), device(sharp_on_device, noises(1));
  const std::vector<TokenColumns> prompts{prompt_of("a small boat.")};
  const auto expected = host.speak(prompts, options);
  EXPECT_EQ(values_of(device.speak(prompts, options)), values_of(expected));
  EXPECT_EQ(expected[0].columns(), kContext - prompts[0].columns());
  EXPECT_EQ(RecordedGraph::use().captured, 3);  // 256, 512, 600
}

TEST(DeviceFrames, GivingUpLeavesTheSpeakerUsable) {
  GenerateOptions options = hot(24);
  const std::vector<TokenColumns> prompts{prompt_of("a small boat.")};
  Speaker host(by_host(), noises(1)), device(on_device(), noises(1));
  GenerateOptions short_lived = options;
  short_lived.on_frame = [n = 0](size_t, std::span<const int32_t>) mutable {
    if (++n == 5) throw std::runtime_error("enough");
  };
  GenerateOptions again = short_lived;
  EXPECT_THROW(host.speak(prompts, short_lived), std::runtime_error);
  EXPECT_THROW(device.speak(prompts, again), std::runtime_error);
  EXPECT_EQ(values_of(device.speak(prompts, options)), values_of(host.speak(prompts, options)));
}

TEST(DeviceFrames, ADamagedModelIsSaidToBeOne) {
  // Of the main tokens' logits, and of the codes'.
  for (at::Tensor lm::DualAr::*norm : {&lm::DualAr::norm, &lm::DualAr::fast_norm}) {
    SpeechModel model = tiny_model(Drawing::on_device);
    model.model.*norm = at::full_like(model.model.*norm, NAN);
    try {
      Speaker(model, noises(1)).speak(std::vector{prompt_of("a")}, hot(5));
      ADD_FAILURE() << "spoken";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("NaN"));
    }
  }
}

// Nothing that a GPU's host would wait for: of each frame only its copy is read, late.
TEST(DeviceFrames, TheHostNeverWaits) {
  const auto waits_of = [](const SpeechModel& model) {
    const std::unique_ptr<Frames> frames = make_frames(model, noises(2));
    for (const size_t i : {size_t{0}, size_t{1}}) frames->steps().append(i, prompt_of("a boat"));
    const GenerateOptions options = hot(0);
    frames->begin(2, options);
    test::HostWaits watched;
    for (int frame = 0; frame < 6; ++frame) frames->next(std::vector<size_t>{0, 1});
    EXPECT_GT(watched.seen, 1000);
    return watched.names;
  };
  EXPECT_THAT(waits_of(on_device()), testing::IsEmpty());
  EXPECT_THAT(waits_of(by_host()), testing::Not(testing::IsEmpty()));
}

}  // namespace
}  // namespace koi::speech
