#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/codec_flags.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "koi/base/error.h"
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

std::string summary(const codec::ExtractReport& report) {
  return fmt::format("{} extracted ({} of audio), {} were there already, {} failed",
                     report.extracted, base::format_duration(report.audio_s), report.present,
                     report.failures.size());
}

std::string json_summary(const codec::ExtractReport& report) {
  nlohmann::ordered_json problems = nlohmann::ordered_json::array();
  for (const codec::ExtractFailure& failure : report.failures)
    problems.push_back({{"path", failure.file}, {"message", failure.message}});
  const nlohmann::ordered_json object = {
      {"done", report.extracted},         {"skipped", report.present},
      {"failed", report.failures.size()}, {"audio_s", report.audio_s},
      {"interrupted", report.stopped},    {"problems", std::move(problems)},
  };
  // A file name need not be UTF-8.
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

int run(const Flags& flags) {
  const codec::ExtractPlan plan = flags.filelist.empty()
                                      ? codec::plan_folder(flags.folder)
                                      : codec::plan_filelist(flags.filelist, flags.folder);
  const codec::Firefly model = flags.codec.load();
  codec::ExtractReport report;
  {
    base::Progress progress("extract-vq", "files", plan.files.size());
    const auto warn = [&progress](const codec::ExtractFailure& failure) {
      progress.print_line("koi: " + failure.message);
    };
    for (const codec::ExtractFailure& failure : plan.failures) warn(failure);
    report =
        codec::extract_codes(model, plan, flags.extract, [&](const codec::ExtractFailure* failure) {
          progress.advance();
          if (failure != nullptr) warn(*failure);
        });
  }
  std::printf("%s\n", (flags.json ? json_summary(report) : summary(report)).c_str());
  if (report.stopped) {
    return report_interrupted(
        fmt::format("{} of {} files are done; the same command goes on from here", report.files,
                    plan.files.size()));
  }
  return report.failures.empty() ? 0 : 1;
}

}  // namespace

void add_extract_vq(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  codec::ExtractOptions& options = flags->extract;
  CLI::App* command = add_command(
      app, "extract-vq", "Put a .npy of codes beside each recording of a folder",
      "  koi extract-vq data --num-workers 1 --batch-size 16\n"
      "  koi extract-vq data --filelist data/vq_train_filelist.txt\n"
      "A second run goes on where the first stopped. The status is 1 where a file failed.",
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
  add_switch(command, "overwrite", options.overwrite, "make again what is there already");
  add_switch(command, "reference-padding", options.reference_padding,
             "encode --batch-size files at once, zero-padded to the longest, as the reference: the "
             "last column of a file then depends on the others");
  command->add_flag("--json", flags->json, "print the summary as JSON");
  flags->codec.add_to(command);
}

}  // namespace koi::cli
