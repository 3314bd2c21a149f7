#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/flags.h"
#include "koi/audio/convert_folder.h"
#include "koi/audio/length_folder.h"
#include "koi/base/error.h"
#include "koi/base/progress.h"

namespace koi::cli {
namespace {

using Recordings = std::vector<audio::RecordingLength>;

struct Flags {
  std::string folder;
  audio::LengthOptions options;
  std::optional<double> longer_s, shorter_s;
  bool visualize = false;
  bool json = false;
};

Recordings pick(const Recordings& all, const std::function<bool(double)>& wanted) {
  Recordings some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some), [&](const auto& recording) {
    return recording.problem.empty() && wanted(recording.duration_s);
  });
  return some;
}

// A line for each fifteenth of the way from the shortest to the longest.
std::string histogram(const Recordings& all, const audio::LengthSummary& summary) {
  constexpr size_t kLines = 15, kWidth = 50;
  std::array<size_t, kLines> counts{};
  const double step = (summary.longest_s - summary.shortest_s) / kLines;
  for (const audio::RecordingLength& recording : all) {
    if (!recording.problem.empty()) continue;
    const double place = step > 0 ? (recording.duration_s - summary.shortest_s) / step : 0;
    ++counts[std::min(kLines - 1, static_cast<size_t>(place))];
  }
  const size_t most = *std::max_element(counts.begin(), counts.end());
  std::string lines;
  for (size_t i = 0; i < kLines; ++i) {
    lines +=
        fmt::format("{:8.2f} s {:6} {}\n", summary.shortest_s + step * static_cast<double>(i),
                    counts[i], std::string(counts[i] * kWidth / std::max<size_t>(most, 1), '#'));
  }
  return lines;
}

std::string listing(const char* what, double threshold_s, const Recordings& some) {
  std::string text = fmt::format("{} than {} s: {}\n", what, threshold_s, some.size());
  for (const audio::RecordingLength& recording : some)
    text +=
        fmt::format("    {}: {:.2f}\n", printable(recording.path.string()), recording.duration_s);
  return text;
}

std::string text_of(const Flags& flags, const Recordings& all, const Recordings& longer,
                    const Recordings& shorter) {
  const audio::LengthSummary summary = audio::summarize(all);
  std::string text = fmt::format(
      "{} recordings, {:.2f} hours; mean {:.2f} s, shortest {:.2f} s, longest {:.2f} s; mean rate "
      "{:.0f} Hz; {} failed\n",
      summary.count, summary.total_s / 3600, summary.mean_s, summary.shortest_s, summary.longest_s,
      summary.mean_rate_hz, all.size() - summary.count);
  if (flags.longer_s) text += listing("longer", *flags.longer_s, longer);
  if (flags.shorter_s) text += listing("shorter", *flags.shorter_s, shorter);
  if (flags.visualize) text += histogram(all, summary);
  return text;
}

std::string json_of(const Recordings& all, const Recordings& longer, const Recordings& shorter) {
  const audio::LengthSummary summary = audio::summarize(all);
  const auto named = [](const Recordings& some) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const audio::RecordingLength& recording : some)
      list.push_back({{"path", recording.path.string()}, {"duration_s", recording.duration_s}});
    return list;
  };
  nlohmann::ordered_json problems = nlohmann::ordered_json::array();
  for (const audio::RecordingLength& recording : all) {
    if (!recording.problem.empty())
      problems.push_back({{"path", recording.path.string()}, {"message", recording.problem}});
  }
  const nlohmann::ordered_json object = {
      {"recordings", summary.count},    {"total_s", summary.total_s},
      {"mean_s", summary.mean_s},       {"shortest_s", summary.shortest_s},
      {"longest_s", summary.longest_s}, {"mean_rate_hz", summary.mean_rate_hz},
      {"longer", named(longer)},        {"shorter", named(shorter)},
      {"failed", problems.size()},      {"problems", problems}};
  // A file name need not be UTF-8.
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

int run(const Flags& flags) {
  const base::Listing listing =
      audio::list_recordings(flags.folder, flags.folder, flags.options.recursive);
  const size_t total = listing.files.size() + listing.odd.size();
  audio::LengthReport report;
  {
    base::Progress progress("length", "files", total);
    report = audio::measure_lengths(flags.folder, flags.options,
                                    [&progress](const audio::RecordingLength& recording) {
                                      progress.add_audio(recording.duration_s);
                                      progress.advance();
                                      if (!recording.problem.empty())
                                        progress.print_line("koi: " + recording.problem);
                                    });
  }
  if (report.interrupted)
    return report_interrupted("nothing is printed; the same command begins anew");
  const Recordings& all = report.recordings;
  const Recordings longer =
      pick(all, [&](double s) { return flags.longer_s && s > *flags.longer_s; });
  const Recordings shorter =
      pick(all, [&](double s) { return flags.shorter_s && s < *flags.shorter_s; });
  std::fputs(
      (flags.json ? json_of(all, longer, shorter) : text_of(flags, all, longer, shorter)).c_str(),
      stdout);
  return audio::summarize(all).count < all.size() ? 1 : 0;
}

}  // namespace

void add_length(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command =
      add_command(app, "length", "Tell how long the recordings of a folder are",
                  "  koi length data\n"
                  "  koi length data --long-threshold 30 --short-threshold 1 --visualize\n"
                  "The status is 1 where a file cannot be read.",
                  [flags] { return run(*flags); });
  command->add_option("IN", flags->folder, "folder of recordings")->required();
  add_switch(command, "recursive", flags->options.recursive, "folders below IN too");
  command->add_option("-l,--long-threshold", flags->longer_s, "name those longer, seconds");
  command->add_option("-s,--short-threshold", flags->shorter_s, "name those shorter, seconds");
  add_switch(command, "visualize", flags->visualize, "draw a histogram");
  add_switch(command, "accurate", flags->options.accurate,
             "decode every file, where a header tells its length too");
  command->add_option("-w,--num-workers", flags->options.workers, "threads, at most the cores")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "print everything as JSON");
}

}  // namespace koi::cli
