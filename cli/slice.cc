#include <memory>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/folder_flags.h"
#include "koi/audio/slice_folder.h"

namespace koi::cli {
namespace {

struct Flags {
  FolderFlags folder;
  audio::SliceFolderOptions options;
  double hop_ms = 10;
  bool reference_rules = false;
};

FolderSummary slice(const Flags& flags, const OnFile& on_file) {
  audio::SliceFolderOptions options = flags.options;
  options.folder = flags.folder.options;
  options.slice.hop_s = flags.hop_ms / 1000;
  if (flags.reference_rules) options.slice.rules = audio::MergeRules::reference;
  audio::SliceReport report =
      audio::slice_folder(flags.folder.input, flags.folder.output, options, on_file);
  return {std::move(report.folder),
          {{"pieces", "pieces", report.pieces},
           {"pieces_s", "seconds in them", static_cast<size_t>(report.pieces_s)},
           {"transcripts", "transcripts that came along", report.transcripts}}};
}

}  // namespace

void add_slice(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = add_command(
      app, "slice", "Cut long recordings into pieces at their silences",
      "  koi slice long data-raw\n"
      "  koi slice long data-raw --min-duration 3 --max-duration 12 --merge-short\n"
      "a/x.wav becomes a/x/0000.wav, a/x/0001.wav ..., with --flat-layout a/x_0000.wav ...\n"
      "A recording that stays in one piece keeps its transcript; the others are named. A second\n"
      "run goes on where the first stopped.",
      [flags] {
        return run_folder("slice", flags->folder,
                          [&](const OnFile& on_file) { return slice(*flags, on_file); });
      });
  flags->folder.add_to(command);
  audio::SliceOptions& options = flags->options.slice;
  const auto add = [command](const char* name, double& value, const char* help) {
    command->add_option(name, value, help)->capture_default_str();
  };
  add("--min-duration", options.min_duration_s, "seconds; no cut before a piece is that long");
  add("--max-duration", options.max_duration_s, "seconds; longer pieces are cut evenly");
  add("--min-silence-duration", options.min_silence_s, "seconds; a shorter silence is no cut");
  add("--top-db", options.top_db, "dB of full scale, below which it is silent");
  add("--hop-length", flags->hop_ms, "milliseconds between the frames that are measured");
  add("--max-silence-kept", options.max_silence_s, "seconds of silence kept at a piece's ends");
  add_switch(command, "flat-layout", flags->options.flat, "no folder for each recording");
  add_switch(command, "merge-short", options.merge_short, "join neighbours up to --max-duration");
  command->add_flag("--reference-rules", flags->reference_rules,
                    "merge as the reference, which may pass --max-duration");
}

}  // namespace koi::cli
