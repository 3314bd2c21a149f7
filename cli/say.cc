// koi say: text -> speech.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/speech_flags.h"
#include "koi/audio/audio_file.h"
#include "koi/audio/wav_pipe.h"
#include "koi/base/error.h"
#include "koi/base/process_time.h"
#include "koi/speech/engine.h"

namespace koi::cli {
namespace {

constexpr char kExamples[] =
    "  koi say --text 'Good morning.' --checkpoint-path results/alice/merged -o out.wav\n"
    "  koi say --text 'Good morning.' --lora alice.ckpt:0.7 --lora bob.ckpt:0.3 -o out.wav\n"
    "  koi say --text - --reference me.wav --reference-text 'What I say in it.' -o out.wav "
    "< text.txt\n"
    "  koi say --text 'It is 3:30 pm.' --normalize auto -o out.wav\n"
    "  koi say --text 'Good morning.' -o - | aplay\n"
    "  koi say --text - --together 4 -o book.wav < book.txt\n";

constexpr std::string_view kStandardOutput = "-";

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
  if (flags.output == kStandardOutput) return;
  const base::fs::path folder = base::fs::absolute(flags.output).parent_path();
  if (!base::fs::is_directory(folder)) {
    throw Error(ErrorKind::io, flags.output, "its folder is not there", "make the folder first");
  }
}

struct Times {
  double ready_s = 0, first_audio_s = 0;  // from the start of the program
  double speaking_s = 0;                  // all but loading
};

void report(const SayFlags& flags, const speech::Speech& speech, const Times& times) {
  // Sound has standard output for itself.
  std::FILE* out = flags.output == kStandardOutput ? stderr : stdout;
  const double duration_s = speech.duration_s();
  const double factor = duration_s > 0 ? times.speaking_s / duration_s : 0;
  if (!flags.json) {
    fmt::print(out,
               "{}: {:.2f} s of speech, {} frames, made in {:.2f} s (real-time factor {:.2f}), the "
               "first sound after {:.2f} s\n",
               printable(flags.output), duration_s, speech.frames, times.speaking_s, factor,
               times.first_audio_s);
    return;
  }
  nlohmann::json segments = nlohmann::json::array();
  for (const speech::Segment& segment : speech.segments) {
    segments.push_back({{"text", segment.text}, {"frames", segment.codes.codes.frames}});
  }
  const nlohmann::json summary = {{"path", flags.output},
                                  {"sample_rate_hz", speech.sample_rate_hz},
                                  {"seconds", duration_s},
                                  {"frames", speech.frames},
                                  {"elapsed_seconds", times.speaking_s},
                                  {"real_time_factor", factor},
                                  {"ready_seconds", times.ready_s},
                                  {"first_audio_seconds", times.first_audio_s},
                                  {"segments", segments}};
  // The path is whatever the shell gave, UTF-8 or not.
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
  fmt::print(out, "{}\n", summary.dump(-1, ' ', /*ensure_ascii=*/false, kReplace));
}

void write_to_standard_output(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() &&
      std::fflush(stdout) == 0)
    return;
  throw Error(ErrorKind::io, "standard output", "cannot be written");
}

std::vector<speech::Reference> encode_references(const SayFlags& flags,
                                                 const speech::Engine& engine) {
  const std::optional<base::BlobCache> cache = flags.speech.cache();
  std::vector<speech::Reference> references;
  for (size_t i = 0; i < flags.references.size(); ++i) {
    const base::fs::path recording = flags.references[i];
    std::string text = flags.speech.spoken(flags.reference_texts[i]);
    references.push_back(cache ? engine.encode_reference(recording, std::move(text), *cache)
                               : engine.encode_reference(recording, std::move(text)));
  }
  return references;
}

speech::Speech speak(const SayFlags& flags, const speech::Engine& engine, const std::string& text,
                     Times& times) {
  const std::vector<speech::Reference> references = encode_references(flags, engine);
  const bool piped = flags.output == kStandardOutput;
  if (piped) write_to_standard_output(audio::wav_pipe_header(engine.sample_rate_hz()));
  base::Progress progress("say", "frames", 0);
  const auto on_audio = [&](std::span<const float> samples) {
    if (times.first_audio_s == 0) times.first_audio_s = base::seconds_since_start();
    if (piped) write_to_standard_output(audio::to_pcm16_bytes(samples));
  };
  speech::LongOptions options = flags.speech.options(progress);
  if (!references.empty()) options.kept = flags.speech.kept(engine.model());
  return engine.say(
      text, references,
      {.text = std::move(options), .noises = flags.speech.noises(), .on_audio = on_audio});
}

int run(const SayFlags& flags) {
  check(flags);
  const std::string text = flags.speech.checked_text();
  const std::vector<lm::WeightedAdapter> adapters = flags.speech.lora.load();
  speech::Engine engine = speech::Engine::load(
      {.checkpoint = flags.speech.checkpoint, .codec = flags.codec}, flags.speech.model_options());
  flags.speech.prepare(engine.model(), adapters);

  Times times{.ready_s = base::seconds_since_start()};
  const speech::Speech speech = speak(flags, engine, text, times);
  if (flags.output != kStandardOutput)
    audio::write_wav_pcm16(flags.output, speech.samples, speech.sample_rate_hz);
  times.speaking_s = base::seconds_since_start() - times.ready_s;
  report(flags, speech, times);
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
  command->add_option("-o,--output", flags->output,
                      "the .wav to write; - writes it to standard output while it is spoken");
  command->add_flag("--json", flags->json, "report as JSON");
}

}  // namespace koi::cli
