// koi say: text -> speech.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/speech_flags.h"
#include "koi/audio/audio_file.h"
#include "koi/base/error.h"
#include "koi/speech/engine.h"

namespace koi::cli {
namespace {

constexpr char kExamples[] =
    "  koi say --text 'Good morning.' --checkpoint-path results/alice/merged -o out.wav\n"
    "  koi say --text 'Good morning.' --lora alice.ckpt:0.7 --lora bob.ckpt:0.3 -o out.wav\n"
    "  koi say --text - --reference me.wav --reference-text 'What I say in it.' -o out.wav "
    "< text.txt\n"
    "  koi say --text 'It is 3:30 pm.' --normalize auto -o out.wav\n";

struct SayFlags {
  SpeechFlags speech;
  std::vector<std::string> references;
  std::vector<std::string> reference_texts;
  std::string codec;
  std::string output;
  bool json = false;
};

void check(const SayFlags& flags) {
  if (flags.references.size() != flags.reference_texts.size()) {
    throw Error(ErrorKind::usage, "--reference",
                fmt::format("given {} times, --reference-text {} times", flags.references.size(),
                            flags.reference_texts.size()),
                "give both for each reference");
  }
  if (flags.output.empty()) {
    throw Error(ErrorKind::usage, "--output", "is missing", "give the .wav to write (-o out.wav)");
  }
  const base::fs::path folder = base::fs::absolute(flags.output).parent_path();
  if (!base::fs::is_directory(folder)) {
    throw Error(ErrorKind::io, flags.output, "its folder is not there", "make the folder first");
  }
}

void report(const SayFlags& flags, const speech::Speech& speech, double elapsed_s) {
  const double duration_s = speech.duration_s();
  const double factor = duration_s > 0 ? elapsed_s / duration_s : 0;
  if (!flags.json) {
    std::printf("%s: %.2f s of speech, %d frames, made in %.2f s (real-time factor %.2f)\n",
                printable(flags.output).c_str(), duration_s, static_cast<int>(speech.frames),
                elapsed_s, factor);
    return;
  }
  nlohmann::json segments = nlohmann::json::array();
  for (const speech::Segment& segment : speech.segments) {
    segments.push_back({{"text", segment.text}, {"frames", segment.codes.codes.frames}});
  }
  const nlohmann::json summary = {
      {"path", flags.output},         {"sample_rate_hz", speech.sample_rate_hz},
      {"seconds", duration_s},        {"frames", speech.frames},
      {"elapsed_seconds", elapsed_s}, {"real_time_factor", factor},
      {"segments", segments}};
  // The path is whatever the shell gave, UTF-8 or not.
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
  std::printf("%s\n", summary.dump(-1, ' ', /*ensure_ascii=*/false, kReplace).c_str());
}

int run(const SayFlags& flags) {
  check(flags);
  const std::string text = flags.speech.checked_text();
  const std::vector<lm::WeightedAdapter> adapters = flags.speech.lora.load();
  speech::Engine engine = speech::Engine::load(
      {.checkpoint = flags.speech.checkpoint, .codec = flags.codec}, flags.speech.model_options());
  flags.speech.prepare(engine.model(), adapters);

  const auto start = std::chrono::steady_clock::now();
  std::vector<speech::Reference> references;
  for (size_t i = 0; i < flags.references.size(); ++i) {
    references.push_back(engine.encode_reference(flags.references[i],
                                                 flags.speech.spoken(flags.reference_texts[i])));
  }
  speech::Speech speech;
  {
    base::Progress progress("say", "frames", 0);
    speech = engine.say(text, references, flags.speech.options(progress), flags.speech.noise());
  }
  audio::write_wav_pcm16(flags.output, speech.samples, speech.sample_rate_hz);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  report(flags, speech, elapsed.count());
  return 0;
}

}  // namespace

void add_say(CLI::App& app) {
  const auto flags = std::make_shared<SayFlags>();
  CLI::App* command =
      add_command(app, "say", "Text -> speech (.wav)", kExamples, [flags] { return run(*flags); });
  flags->speech.add_to(command);
  command->add_option("--reference", flags->references,
                      "recording whose voice is taken on (several)");
  command->add_option("--reference-text", flags->reference_texts,
                      "what is said in the recording (as many)");
  command->add_option("--codec-path", flags->codec,
                      "the codec's .pth; by default the one in the checkpoint folder");
  command->add_option("-o,--output", flags->output, "the .wav to write");
  command->add_flag("--json", flags->json, "report as JSON");
}

}  // namespace koi::cli
