// koi validate: what is wrong with a folder of recordings and transcripts, and what to do about it.
#include <cstdio>
#include <memory>
#include <optional>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/validate_text.h"
#include "koi/base/files.h"
#include "koi/base/progress.h"
#include "koi/check/check_folder.h"
#include "koi/check/fix_folder.h"
#include "koi/check/html_report.h"
#include "koi/check/tree.h"

namespace koi::cli {
namespace {

struct Flags {
  std::string folder;
  check::CheckOptions options;
  std::string html;
  std::string fix;
  bool json = false;
  bool lenient = false;
};

audio::FolderReport fix(const Flags& flags, const check::Report& report) {
  base::Progress progress("fix", "files", report.recordings.size());
  return check::fix_folder(report, {.output = flags.fix, .workers = flags.options.workers},
                           [&progress] { progress.advance(); });
}

int run(const Flags& flags) {
  const size_t total =
      check::walk_tree(flags.folder, flags.options.text_extensions).recordings.size();
  check::Report report;
  {
    base::Progress progress("validate", "files", total);
    report = check::check_folder(flags.folder, flags.options, [&progress] { progress.advance(); });
  }
  if (report.interrupted)
    return report_interrupted("nothing is printed; the same command begins anew");
  if (!flags.html.empty()) {
    const base::fs::path page = base::fs::absolute(flags.html);
    base::write_file(page, check::report_html(report, page.parent_path()));
  }
  std::optional<audio::FolderReport> fixed;
  if (!flags.fix.empty()) fixed = fix(flags, report);
  const std::string text =
      flags.json ? validation_json(report, fixed) : validation_text(report, fixed);
  std::fputs(text.c_str(), stdout);
  if (fixed && fixed->interrupted)
    return report_interrupted("the same command goes on with the copy from here");
  if (fixed && fixed->failed > 0) return 1;
  if (flags.lenient) return report.usable() > 0 ? 0 : 1;
  return report.harms(fixed ? check::Report::After::fix : check::Report::After::nothing) ? 1 : 0;
}

}  // namespace

void add_validate(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = add_command(
      app, "validate", "Look for everything that would harm training, and say what to do about it",
      "  koi validate data-raw\n"
      "  koi validate data-raw --html data-raw.html\n"
      "  koi validate data-raw --fix data-mended\n"
      "  koi validate 녹음 --json > findings.json\n"
      "The exit status is 1 where something would harm training (with --fix: that is left in the\n"
      "copy). Nothing in DIR is changed.",
      [flags] { return run(*flags); });
  command->add_option("DIR", flags->folder, "folder of recordings and transcripts")->required();
  command
      ->add_option("--text-extension", flags->options.text_extensions,
                   "extensions of the transcripts; the first that is there counts")
      ->capture_default_str();
  command
      ->add_option("--codebook-size", flags->options.codebook_size,
                   "codes beside the recordings are below this")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  command
      ->add_option("--num-codebooks", flags->options.codebooks,
                   "rows of the codes beside the recordings")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_option("--num-workers", flags->options.workers, "threads (0: the cores)")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command->add_option("--html", flags->html,
                      "write a page to look at and to listen with, the worst recordings first");
  command->add_option(
      "--fix", flags->fix,
      "copy everything into this folder with what can be mended mended: texts as\n"
      "UTF-8 without markup, no silence at the ends, no offset, no copies, nothing\n"
      "that cannot be read; a second run goes on where the first stopped");
  command->add_flag("--lenient", flags->lenient,
                    "exit status 1 only where not one recording can be trained on");
  command->add_flag("--json", flags->json, "print all figures and findings as JSON");
}

}  // namespace koi::cli
