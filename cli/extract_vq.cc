#include <fmt/format.h>

#include <memory>

#include "cli/codec_flags.h"
#include "cli/commands.h"
#include "cli/data_report.h"
#include "cli/flags.h"
#include "koi/base/launch.h"
#include "koi/base/progress.h"
#include "koi/codec/extract.h"

namespace koi::cli {
namespace {

struct Flags {
  std::string folder;
  std::string filelist;
  CodecFlags codec;
  codec::ExtractOptions extract;
  bool json = false;
};

DataReport report_of(const codec::ExtractReport& extracted, const Flags& flags) {
  DataReport report{.command = "extract-vq",
                    .folder = flags.folder,
                    .done = extracted.extracted,
                    .skipped = extracted.present,
                    .audio_s = extracted.audio_s};
  for (const codec::ExtractFailure& failure : extracted.failures)
    report.failures.push_back({failure.file, failure.message});
  return report;
}

int run(const Flags& flags) {
  const base::Launch launch = base::read_ranks();
  const base::Share share = launch.share();
  codec::ExtractPlan plan = flags.filelist.empty()
                                ? codec::plan_folder(flags.folder)
                                : codec::plan_filelist(flags.filelist, flags.folder);
  announce_share(share, plan.files.size());
  plan = codec::share_of(std::move(plan), share);
  const codec::Firefly model = flags.codec.load(launch);
  const size_t work = plan.files.size() * static_cast<size_t>(flags.extract.shifts);
  codec::ExtractReport extracted;
  {
    base::Progress progress("extract-vq", "files", work);
    const auto warn = [&progress](const codec::ExtractFailure& failure) {
      progress.print_line("koi: " + failure.message);
    };
    for (const codec::ExtractFailure& failure : plan.failures) warn(failure);
    extracted = codec::extract_codes(model, plan, flags.extract,
                                     [&](const codec::ExtractFailure* failure, double audio_s) {
                                       progress.add_audio(audio_s);
                                       progress.advance();
                                       if (failure != nullptr) warn(*failure);
                                     });
  }
  DataReport report = report_of(extracted, flags);
  report.share = share;
  if (extracted.stopped) {
    report.interrupted = fmt::format("{} of {} files are done; the same command goes on from here",
                                     extracted.files, work);
  }
  return finish(report, flags.json);
}

}  // namespace

void add_extract_vq(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  codec::ExtractOptions& options = flags->extract;
  CLI::App* command = add_command(
      app, "extract-vq", "Put a .npy of codes beside each recording of a folder",
      "  koi extract-vq data --num-workers 1 --batch-size 16\n"
      "  koi extract-vq data --filelist data/vq_train_filelist.txt\n"
      "  koi extract-vq data --shifts 4     for little data, see docs/en/commands.md\n"
      "A second run goes on where the first stopped. The status is 1 where a file failed.\n"
      "Started several times by torchrun, srun or mpirun, each process has its share of the files.",
      [flags] { return run(*flags); });
  command->add_option("FOLDER", flags->folder, "folder of recordings")->required();
  command->add_option("--filelist", flags->filelist,
                      "take only these: lines path|speaker|language|text, or a path");
  command->add_option("--num-workers", options.num_workers, "threads that read recordings")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_option("--batch-size", options.batch_size, "recordings that are read ahead")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536));
  command
      ->add_option("--shifts", options.shifts,
                   "codes of each recording, the later ones from a part of a code later on: "
                   "training learns fewer by heart")
      ->capture_default_str()
      ->check(CLI::Range(1, codec::kMostShifts));
  add_switch(command, "overwrite", options.overwrite, "make again what is there already");
  add_switch(command, "reference-padding", options.reference_padding,
             "encode --batch-size files at once, zero-padded to the longest, as the reference: the "
             "last column of a file then depends on the others");
  command->add_flag("--json", flags->json, "print the summary as JSON");
  flags->codec.add_to(command);
}

}  // namespace koi::cli
