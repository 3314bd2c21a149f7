#include "koi/speech/engine.h"

#include <gmock/gmock.h>

#include <cmath>

#include "koi/audio/audio_file.h"
#include "koi/base/error.h"
#include "koi/checkpoint/codec_file.h"
#include "koi/codec/init.h"
#include "koi/tensor/device.h"
#include "tests/support/temp_dir.h"

namespace koi::speech {
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

// The trained tiny language model with a random tiny codec.
class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    tensor::set_threads(1);
    for (const char* name :
         {"config.json", "model.pth", "tokenizer.json", "tokenizer_config.json"}) {
      base::fs::copy_file(base::fs::path(KOI_SOURCE_DIR "/tests/goldens/lm/tiny") / name,
                          folder_ / name);
    }
  }
  void add_codec(const codec::FireflyConfig& config) {
    codec::init_codec(config, 1, folder_ / checkpoint::kPublishedCodec);
  }
  Engine load() const { return Engine::load({.checkpoint = folder_.path(), .codec = {}}, {}); }

  test::TempDir folder_;
};

TEST_F(EngineTest, SaysTextInTheVoiceOfAReference) {
  add_codec(codec::tiny_config());
  const Engine engine = load();
  const int64_t column = engine.codec().config().samples_per_column();
  const int rate = static_cast<int>(engine.codec().config().spec_transform.sample_rate);

  LongOptions options;
  options.generate.sampling = {.temperature = 2, .top_p = 1, .repetition_penalty = 1};
  options.generate.min_new_tokens = 6;
  options.generate.max_new_tokens = 6;
  const Speech alone = engine.say("a small boat.", {}, {options, {portable_noise(1)}});
  EXPECT_EQ(alone.frames, 6);
  EXPECT_EQ(std::ssize(alone.samples), 6 * column);
  EXPECT_EQ(alone.sample_rate_hz, rate);
  ASSERT_EQ(alone.segments.size(), 1U);

  audio::write_wav_pcm16(folder_ / "voice.wav", alone.samples, rate);
  const Reference reference = engine.encode_reference(folder_ / "voice.wav", "a small boat.");
  EXPECT_EQ(reference.codes.codes.frames, 6);
  EXPECT_EQ(reference.codes.codes.codebooks, 8);
  const Speech like = engine.say("a small boat.", {reference}, {options, {portable_noise(1)}});
  EXPECT_EQ(like.frames, 6);
  EXPECT_GT(like.segments[0].prompt_columns, alone.segments[0].prompt_columns);
  EXPECT_NE(like.segments[0].codes.codes.values, alone.segments[0].codes.codes.values);
}

TEST_F(EngineTest, ReferencesAreKeptByTheirSound) {
  add_codec(codec::tiny_config());
  const Engine engine = load();
  const base::BlobCache kept(folder_ / "kept");
  std::vector<float> samples(44'100);
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = 0.3F * std::sin(0.05F * static_cast<float>(i));
  const auto write = [&] { audio::write_wav_pcm16(folder_ / "목소리.wav", samples, 44'100); };
  write();
  const auto codes_of = [&] {
    const Reference reference = engine.encode_reference(folder_ / "목소리.wav", "text", kept);
    EXPECT_EQ(reference.text, "text");
    return reference.codes.codes;
  };
  const checkpoint::Codes first = codes_of();
  EXPECT_EQ(first.values, engine.encode_reference(folder_ / "목소리.wav", "").codes.codes.values);
  const auto files = [&] {
    return base::list_files(folder_ / "kept", [](const base::fs::path&) { return true; }).size();
  };
  EXPECT_EQ(files(), 1U);
  const checkpoint::Codes again = codes_of();
  EXPECT_EQ(again.values, first.values);
  EXPECT_EQ(again.codebooks, first.codebooks);
  EXPECT_EQ(again.frames, first.frames);
  EXPECT_EQ(files(), 1U);
  for (float& sample : samples) sample = -0.2F * sample * sample;
  write();
  EXPECT_NE(codes_of().values, first.values);
  EXPECT_EQ(files(), 2U);
}

// The sound comes in pieces, which are the sound of all codes decoded at once.
TEST_F(EngineTest, SoundComesWhileItIsSpoken) {
  add_codec(codec::tiny_config());
  const Engine engine = load();
  const int64_t column = engine.codec().config().samples_per_column();
  LongOptions options;
  options.generate.sampling = {.temperature = 2, .top_p = 1, .repetition_penalty = 1};
  options.generate.min_new_tokens = options.generate.max_new_tokens = 21;
  options.chunk_length = 20;
  const char* text = "a small boat. a big boat. speech is silver.";
  for (const size_t together : {1, 2}) {
    const std::vector<Noise> noises(together, portable_noise(1));
    std::vector<float> heard;
    std::vector<size_t> pieces;
    const Speech speech =
        engine.say(text, {}, {options, noises, [&](std::span<const float> more) {
                                heard.insert(heard.end(), more.begin(), more.end());
                                pieces.push_back(more.size());
                              }});
    EXPECT_EQ(speech.frames, 63);
    EXPECT_EQ(pieces.at(0), 4U * static_cast<size_t>(column));
    EXPECT_GT(pieces.size(), 3U);
    EXPECT_EQ(heard, speech.samples);
    const checkpoint::Codes codes = join_codes(speech.segments).codes;
    const at::Tensor whole = engine.codec().decode(
        at::tensor(codes.values, at::kLong).view({1, codes.codebooks, codes.frames}),
        {codes.frames});
    EXPECT_TRUE(at::equal(at::tensor(heard), whole.flatten()));
    EXPECT_EQ(engine.say(text, {}, {options, noises}).samples, heard);
  }
}

TEST_F(EngineTest, WhoeverListensMayGiveUp) {
  add_codec(codec::tiny_config());
  const Engine engine = load();
  LongOptions options;
  options.generate.min_new_tokens = options.generate.max_new_tokens = 60;
  struct Enough {};
  const auto give_up = [](std::span<const float>) { throw Enough{}; };
  EXPECT_THROW(engine.say("a small boat.", {}, {options, {portable_noise(1)}, give_up}), Enough);
  // While the sound is still being made.
  options.generate.on_frame = [frames = 0](size_t, std::span<const int32_t>) mutable {
    if (++frames == 30) throw Enough{};
  };
  EXPECT_THROW(engine.say("a small boat.", {}, {options, {portable_noise(1)}}), Enough);
}

TEST_F(EngineTest, SpeechWithoutFramesHasNoSamples) {
  add_codec(codec::tiny_config());
  const Engine engine = load();
  const auto end_at_once = [&](std::span<float> row) {
    std::fill(row.begin(), row.end(), 1.0F);
    if (row.size() == 2) row[1] = 1e-30F;  // <|im_end|>, beside <|semantic|>
  };
  LongOptions options;
  options.generate.sampling = {.temperature = 5, .top_p = 1, .repetition_penalty = 1};
  const Speech speech = engine.say("a small boat.", {}, {options, {end_at_once}});
  EXPECT_EQ(speech.frames, 0);
  EXPECT_TRUE(speech.samples.empty());
  EXPECT_EQ(speech.duration_s(), 0);
}

TEST_F(EngineTest, ShortReferenceIsRefusedByName) {
  add_codec(codec::tiny_config());
  const Engine engine = load();
  const std::vector<float> samples(1000, 0.1F);
  audio::write_wav_pcm16(folder_ / "short.wav", samples, 44'100);
  EXPECT_THAT(message_of([&] { engine.encode_reference(folder_ / "short.wav", "a"); }),
              testing::AllOf(HasSubstr("short.wav"), HasSubstr("too short")));
}

TEST_F(EngineTest, CodecOfAnotherModelIsRefused) {
  codec::FireflyConfig config = codec::tiny_config();
  config.quantizer.n_groups /= 2;
  add_codec(config);
  EXPECT_THAT(message_of([&] { load(); }),
              testing::AllOf(HasSubstr(checkpoint::kPublishedCodec), HasSubstr("codebooks")));
}

}  // namespace
}  // namespace koi::speech
