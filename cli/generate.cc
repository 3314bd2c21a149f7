// koi generate: text -> semantic tokens, as the reference's tools/llama/generate.py.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/speech_flags.h"
#include "koi/base/error.h"
#include "koi/base/interrupt.h"

namespace koi::cli {
namespace {

constexpr char kExamples[] =
    "  koi generate --text 'Good morning.' --checkpoint-path checkpoints/fish-speech-1.4\n"
    "  koi generate --text '사과 3개' --normalize ko\n"
    "  koi generate --text 'Good morning.' --prompt-text 'Hello.' --prompt-tokens fake.npy\n";

struct GenerateFlags {
  SpeechFlags speech;
  std::vector<std::string> prompt_texts;
  std::vector<std::string> prompt_tokens;
  int num_samples = 1;
  std::string output_dir = ".";
};

std::vector<speech::Reference> read_references(const GenerateFlags& flags) {
  if (flags.prompt_texts.size() != flags.prompt_tokens.size()) {
    throw Error(ErrorKind::usage, "--prompt-text",
                fmt::format("given {} times, --prompt-tokens {} times", flags.prompt_texts.size(),
                            flags.prompt_tokens.size()),
                "give both for each prompt");
  }
  std::vector<speech::Reference> references;
  for (size_t i = 0; i < flags.prompt_texts.size(); ++i) {
    references.push_back({flags.speech.spoken(flags.prompt_texts[i]),
                          speech::read_stored_codes(flags.prompt_tokens[i])});
  }
  return references;
}

void warn_of_cut_codebooks(const GenerateFlags& flags,
                           const std::vector<speech::Reference>& references, int64_t codebooks) {
  for (size_t i = 0; i < references.size(); ++i) {
    const int64_t found = references[i].codes.codes.codebooks;
    if (found <= codebooks) continue;
    std::fprintf(stderr, "koi: warning: %s: the first %d of its %d codebooks are used\n",
                 printable(flags.prompt_tokens[i]).c_str(), static_cast<int>(codebooks),
                 static_cast<int>(found));
  }
}

int run(const GenerateFlags& flags) {
  const std::string text = flags.speech.checked_text();
  const std::vector<speech::Reference> references = read_references(flags);
  const std::vector<lm::WeightedAdapter> adapters = flags.speech.lora.load();
  speech::SpeechModel model =
      speech::load_speech_model(flags.speech.checkpoint, flags.speech.model_options());
  flags.speech.prepare(model, adapters);
  warn_of_cut_codebooks(flags, references, model.model.config().num_codebooks);

  speech::Speaker speaker(model, flags.speech.noises(),
                          speech::twins_for(flags.speech.options().generate));
  std::optional<speech::KeptBeginnings> kept;
  if (!references.empty()) kept = flags.speech.kept(model);
  for (int sample = 0; sample < flags.num_samples; ++sample) {
    speech::StoredCodes codes;
    try {
      base::Progress progress("generate", "frames", 0);
      speech::LongOptions options = flags.speech.options(progress);
      options.kept = kept;
      codes = speech::join_codes(speech::generate_long(speaker, text, references, options));
    } catch (const base::Interrupted&) {
      return report_interrupted(
          fmt::format("{} of {} samples are written; the same command makes all of them anew",
                      sample, flags.num_samples));
    }
    base::make_folder(flags.output_dir);
    const base::fs::path path =
        base::fs::path(flags.output_dir) / fmt::format("codes_{}.npy", sample);
    speech::write_stored_codes(path, codes);
    std::printf("%s: %d codebooks, %d frames\n", printable(path.string()).c_str(),
                static_cast<int>(codes.codes.codebooks), static_cast<int>(codes.codes.frames));
  }
  return 0;
}

}  // namespace

void add_generate(CLI::App& app) {
  const auto flags = std::make_shared<GenerateFlags>();
  CLI::App* command = add_command(app, "generate", "Text -> semantic tokens (codes_N.npy)",
                                  kExamples, [flags] { return run(*flags); });
  flags->speech.add_to(command);
  command->add_option("--prompt-text", flags->prompt_texts, "what is said in the prompt (several)");
  command->add_option("--prompt-tokens", flags->prompt_tokens,
                      "the prompt's codes, .npy [K, T] or [1, K, T] (as many)");
  command->add_option("--num-samples", flags->num_samples, "how often the text is spoken")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--output-dir", flags->output_dir, "folder of codes_0.npy, codes_1.npy ...")
      ->capture_default_str();
}

}  // namespace koi::cli
