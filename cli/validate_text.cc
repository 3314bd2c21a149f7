#include "cli/validate_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "koi/base/error.h"

namespace koi::cli {
namespace {

using audio::FolderReport;
using check::Finding;
using check::KindInfo;
using check::Recording;
using check::Report;
using check::Speaker;
using nlohmann::ordered_json;

std::string shown(const base::fs::path& path) { return printable(path.string()); }

std::string speaker_line(const Speaker& speaker) {
  std::string line = fmt::format("{}: {} recordings, {:.2f} min", printable(speaker.name),
                                 speaker.recordings, speaker.duration_s / 60);
  if (speaker.loudness_lufs)
    line += fmt::format(", {:.1f} LUFS (most between {:.1f} and {:.1f})", *speaker.loudness_lufs,
                        *speaker.quietest_lufs, *speaker.loudest_lufs);
  if (!speaker.rates_hz.empty()) line += fmt::format(", {} Hz", fmt::join(speaker.rates_hz, "/"));
  if (speaker.script != text::Script::none)
    line += fmt::format(", {} script, {:.1f} letters/s", text::name_of(speaker.script),
                        speaker.letters_per_s);
  return line + "\n";
}

// The findings of one kind.
std::string kind_lines(const Finding* begin, const Finding* end) {
  constexpr std::ptrdiff_t kNamed = 5;
  const KindInfo& info = check::info_of(begin->kind);
  std::string lines = fmt::format("  {} ({}): {}\n", info.name, end - begin, info.title);
  for (const Finding* finding = begin; finding < std::min(end, begin + kNamed); ++finding)
    lines += fmt::format("    {}: {}\n", shown(finding->path), finding->what);
  if (end - begin > kNamed) lines += fmt::format("    and {} more\n", end - begin - kNamed);
  return lines + fmt::format("    -> {}\n", info.fix);
}

std::string findings_text(const std::vector<Finding>& findings) {
  std::string text;
  bool harms = false, remarks = false;
  const Finding* const all_end = findings.data() + findings.size();
  for (const Finding* begin = findings.data(); begin < all_end;) {
    const check::Kind kind = begin->kind;
    const Finding* const end = std::find_if(
        begin, all_end, [kind](const Finding& finding) { return finding.kind != kind; });
    bool& headed = check::info_of(kind).harms ? harms : remarks;
    if (!headed) text += check::info_of(kind).harms ? "\nwould harm training:\n" : "\nremarks:\n";
    headed = true;
    text += kind_lines(begin, end);
    begin = end;
  }
  return text;
}

double total_s(const Report& report) {
  double seconds = 0;
  for (const Speaker& speaker : report.speakers) seconds += speaker.duration_s;
  return seconds;
}

size_t count_harms(const Report& report) {
  return static_cast<size_t>(
      std::count_if(report.findings.begin(), report.findings.end(),
                    [](const Finding& finding) { return check::info_of(finding.kind).harms; }));
}

ordered_json number_or_null(const std::optional<double>& number) {
  return number && std::isfinite(*number) ? ordered_json(*number) : ordered_json(nullptr);
}

// For decibels of what may be 0.
ordered_json decibels(double linear) {
  return linear > 0 ? ordered_json(20 * std::log10(linear)) : ordered_json(nullptr);
}

void add_sound(ordered_json& file, const audio::SoundFigures& sound) {
  file["duration_s"] = sound.duration_s();
  file["sample_rate_hz"] = sound.sample_rate_hz;
  file["channels"] = sound.channels;
  file["loudness_lufs"] = number_or_null(sound.loudness_lufs);
  file["true_peak_dbtp"] = decibels(sound.true_peak);
  file["rms_dbfs"] = decibels(sound.rms);
  file["dc_offset"] = sound.dc_offset;
  file["clipped_samples"] = sound.clipped_samples;
  file["silent_head_s"] = sound.head_s();
  file["silent_tail_s"] = sound.tail_s();
  file["bandwidth_hz"] = sound.bandwidth_hz;
  file["sha256"] = sound.hash;
}

ordered_json file_json(const Report& report, const Recording& recording) {
  ordered_json file = {{"path", recording.path.string()},
                       {"speaker", report.speakers[recording.speaker].name}};
  if (recording.sound) add_sound(file, *recording.sound);
  if (recording.transcript) {
    const check::Transcript& transcript = *recording.transcript;
    const std::string_view language = text::language_of(transcript.script);
    file["text"] = transcript.excerpt;
    file["letters"] = transcript.letters;
    file["words"] = transcript.words;
    if (recording.sound && check::sounding_s(*recording.sound) > 0) {
      const double seconds = check::sounding_s(*recording.sound);
      file["letters_per_s"] = transcript.letters / seconds;
      file["words_per_s"] = static_cast<double>(transcript.words) / seconds;
    }
    file["script"] = text::name_of(transcript.script);
    file["language"] = language.empty() ? ordered_json(nullptr) : ordered_json(language);
  }
  if (recording.codes) file["codes"] = {recording.codes->codebooks, recording.codes->frames};
  return file;
}

std::string fixed_text(const FolderReport& fixed) {
  std::string text = "\nthe copy:\n";
  for (const audio::FileResult& file : fixed.problems)
    text += fmt::format("  {}: {}\n", shown(file.path), file.message);
  return text + fmt::format("{} mended, {} as they are, {} left out, {} were there, {} failed\n",
                            fixed.done, fixed.unchanged, fixed.left_out, fixed.skipped,
                            fixed.failed);
}

ordered_json fixed_json(const FolderReport& fixed) {
  ordered_json object = {{"mended", fixed.done},       {"unchanged", fixed.unchanged},
                         {"left_out", fixed.left_out}, {"skipped", fixed.skipped},
                         {"failed", fixed.failed},     {"interrupted", fixed.interrupted}};
  object["files"] = ordered_json::array();
  for (const audio::FileResult& file : fixed.problems)
    object["files"].push_back({{"path", file.path.string()}, {"what", file.message}});
  return object;
}

ordered_json speaker_json(const Speaker& speaker) {
  return {{"name", speaker.name},
          {"folder", speaker.folder.string()},
          {"recordings", speaker.recordings},
          {"duration_s", speaker.duration_s},
          {"loudness_lufs", number_or_null(speaker.loudness_lufs)},
          {"quietest_lufs", number_or_null(speaker.quietest_lufs)},
          {"loudest_lufs", number_or_null(speaker.loudest_lufs)},
          {"letters_per_s", speaker.letters_per_s},
          {"sample_rates_hz", speaker.rates_hz},
          {"script", text::name_of(speaker.script)}};
}

}  // namespace

std::string validation_text(const Report& report, const std::optional<FolderReport>& fixed) {
  constexpr size_t kNamed = 20;
  std::string text;
  for (size_t i = 0; i < std::min(kNamed, report.speakers.size()); ++i)
    text += speaker_line(report.speakers[i]);
  if (report.speakers.size() > kNamed)
    text += fmt::format("and {} more speakers\n", report.speakers.size() - kNamed);
  const size_t harms = count_harms(report);
  text += findings_text(report.findings);
  text += fmt::format(
      "\n{} recordings, {:.2f} min, {} usable; speakers: {}; would harm training: {}; "
      "remarks: {}\n",
      report.recordings.size(), total_s(report) / 60, report.usable(), report.speakers.size(),
      harms, report.findings.size() - harms);
  return fixed ? text + fixed_text(*fixed) : text;
}

std::string validation_json(const Report& report, const std::optional<FolderReport>& fixed) {
  ordered_json object = {{"folder", report.folder.string()},
                         {"recordings", report.recordings.size()},
                         {"usable", report.usable()},
                         {"duration_s", total_s(report)},
                         {"harms", report.harms()}};
  object["speakers"] = ordered_json::array();
  for (const Speaker& speaker : report.speakers)
    object["speakers"].push_back(speaker_json(speaker));
  object["findings"] = ordered_json::array();
  for (const Finding& finding : report.findings) {
    const KindInfo& info = check::info_of(finding.kind);
    object["findings"].push_back({{"kind", info.name},
                                  {"severity", info.harms ? "harm" : "remark"},
                                  {"path", finding.path.string()},
                                  {"what", finding.what},
                                  {"fix", info.fix}});
  }
  object["files"] = ordered_json::array();
  for (const Recording& recording : report.recordings)
    object["files"].push_back(file_json(report, recording));
  if (fixed) object["copy"] = fixed_json(*fixed);
  // A file name need not be UTF-8.
  return object.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace koi::cli
