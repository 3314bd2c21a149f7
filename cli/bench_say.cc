#include "cli/bench_say.h"

namespace koi::cli {
namespace {

constexpr char kText[] =
    "The quick brown fox jumps over the lazy dog. It was a bright cold day in the spring. "
    "All happy families are like one another. Somebody called for you some hours ago.";

// A thing to throw once the first sound is there.
struct FirstSound {};

speech::SayOptions options_of(int64_t frames, int64_t together) {
  speech::SayOptions options;
  options.text.generate.min_new_tokens = options.text.generate.max_new_tokens = frames;
  options.text.chunk_length = 45;  // one sentence
  for (int64_t i = 0; i < together; ++i)
    options.noises.push_back(speech::portable_noise(static_cast<uint32_t>(i)));
  return options;
}

}  // namespace

std::vector<Figure> bench_say(const speech::Engine& engine, const std::string& name,
                              int64_t together, const BenchTime& time) {
  constexpr int64_t kFrames = 43;  // 2 s of each sentence
  speech::SayOptions options = options_of(kFrames, together);
  options.on_audio = [](std::span<const float>) {};
  double seconds = 0;
  const std::string several = together == 1 ? "" : std::to_string(together) + " at once, ";
  Figure say = timed({.work = "say, " + several + name, .unit = "audio s"}, time,
                     [&] { seconds = engine.say(kText, {}, options).duration_s(); });
  say.amount = seconds;
  options.on_audio = [](std::span<const float>) { throw FirstSound{}; };
  Figure first =
      timed({.work = "first sound, " + several + name, .amount = 1, .unit = "sounds"}, time, [&] {
        try {
          engine.say(kText, {}, options);
        } catch (const FirstSound&) {
        }
      });
  return {std::move(say), std::move(first)};
}

}  // namespace koi::cli
