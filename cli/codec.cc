#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "cli/codec_flags.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "koi/codec/convert.h"

namespace koi::cli {
namespace {

struct Flags {
  std::string input = "test.wav";
  std::string output = "fake.wav";
  CodecFlags codec;
};

int run(const Flags& flags) {
  const codec::Conversion done = codec::convert_file(flags.codec.load(), flags.input, flags.output);
  if (done.codes_file) std::puts(done.codes_file->c_str());
  std::puts(flags.output.c_str());
  const std::string summary = fmt::format("koi: {} codebooks x {} columns, {:.2f} s of audio",
                                          done.codebooks, done.columns, done.audio_s);
  std::fprintf(stderr, "%s\n", summary.c_str());
  return 0;
}

}  // namespace

void add_codec(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = add_command(
      app, "codec", "Turn a recording into codes and back, or codes into sound",
      "  koi codec -i voice.wav -o again.wav     writes again.npy (the codes) and again.wav\n"
      "  koi codec -i codes_0.npy -o speech.wav\n"
      "Prints the files that were written.",
      [flags] { return run(*flags); });
  command->add_option("-i,--input-path", flags->input, "an audio file, or codes in a .npy")
      ->capture_default_str();
  command->add_option("-o,--output-path", flags->output, "the .wav to write")
      ->capture_default_str();
  flags->codec.add_to(command);
}

}  // namespace koi::cli
