#include <memory>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/folder_flags.h"
#include "koi/audio/normalize_folder.h"

namespace koi::cli {
namespace {

struct Flags {
  FolderFlags folder;
  std::string meter = "ebur128";
  audio::NormalizeOptions options;
};

FolderSummary normalize(const Flags& flags, const OnFile& on_file) {
  audio::NormalizeOptions options = flags.options;
  options.folder = flags.folder.options;
  if (flags.meter == "pyloudnorm") options.loudness.meter.meter = audio::Meter::pyloudnorm;
  audio::NormalizeReport report =
      audio::normalize_folder(flags.folder.input, flags.folder.output, options,
                              [&](const audio::NormalizedFile& file) { on_file(file.file); });
  return {std::move(report.folder),
          {{"limited", "quieter than the target for --true-peak", report.limited},
           {"clipped", "cut off at full scale, which --true-peak -1 prevents", report.clipped},
           {"as_wav", "written as .wav, their own format cannot be written", report.as_wav}}};
}

}  // namespace

void add_loudness_norm(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = add_command(
      app, "loudness-norm", "Bring all recordings of a folder to one loudness",
      "  koi loudness-norm data-raw data --clean\n"
      "  koi loudness-norm data-raw data --loudness -20 --true-peak -1\n"
      "  koi loudness-norm data-raw data --meter pyloudnorm   the reference's samples\n"
      "Transcripts and other files come along. What can be read but not written in its own format\n"
      "(m4a, webm, wma ...) becomes a .wav of 24 bits. A second run goes on where the first\n"
      "stopped.",
      [flags] {
        return run_folder("loudness-norm", flags->folder,
                          [&](const OnFile& on_file) { return normalize(*flags, on_file); });
      });
  flags->folder.add_to(command);
  add_switch(command, "skip-bad", flags->options.skip_bad,
             "leave silent and too short recordings out; else they are copied unchanged");
  audio::LoudnessOptions& loudness = flags->options.loudness;
  command->add_option("--peak", loudness.peak_db, "highest sample before measuring, dBFS")
      ->capture_default_str();
  command->add_option("--loudness", loudness.loudness_lufs, "target, LUFS")->capture_default_str();
  command->add_option("--true-peak", loudness.true_peak_db,
                      "highest true peak, dBTP; lowers the gain where it is passed (no limit)");
  command
      ->add_option("--block-size", loudness.meter.block_s,
                   "seconds; other than 0.4 only with --meter pyloudnorm")
      ->capture_default_str();
  command
      ->add_option("--meter", flags->meter,
                   "ebur128 (BS.1770-4) or pyloudnorm (as the reference, 16 bits)")
      ->check(CLI::IsMember({"ebur128", "pyloudnorm"}))
      ->capture_default_str();
}

}  // namespace koi::cli
