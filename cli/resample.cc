#include <memory>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/folder_flags.h"
#include "koi/audio/resample_folder.h"

namespace koi::cli {
namespace {

struct Flags {
  FolderFlags folder;
  audio::ResampleOptions options;
};

FolderSummary resample(const Flags& flags, const OnFile& on_file) {
  audio::ResampleOptions options = flags.options;
  options.folder = flags.folder.options;
  audio::ResampleReport report =
      audio::resample_folder(flags.folder.input, flags.folder.output, options, on_file);
  return {std::move(report.folder),
          {{"clipped", "cut off at full scale", report.clipped},
           {"as_wav", "written as .wav, their own format cannot be written", report.as_wav}}};
}

}  // namespace

void add_resample(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = add_command(
      app, "resample", "Bring all recordings of a folder to one sample rate",
      "  koi resample data-raw data\n"
      "  koi resample data-raw data --sampling-rate 24000 --no-mono\n"
      "Transcripts and other files come along. extract-vq resamples by itself: this is for other\n"
      "programs, and for smaller files. A second run goes on where the first stopped.",
      [flags] {
        return run_folder("resample", flags->folder,
                          [&](const OnFile& on_file) { return resample(*flags, on_file); });
      });
  flags->folder.add_to(command);
  command->add_option("--sampling-rate,--sr", flags->options.sample_rate_hz, "Hz")
      ->capture_default_str();
  add_switch(command, "mono", flags->options.mono, "mix the channels");
  command->add_flag("--reference-rules", flags->options.reference_bits,
                    "WAV, AIFF and FLAC in 16 bits, as the reference writes them");
}

}  // namespace koi::cli
