#include "koi/check/html_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "koi/base/error.h"
#include "koi/base/html.h"
#include "koi/check/html_charts.h"

namespace koi::check {
namespace {

namespace fs = base::fs;
using base::escape_html;
using base::heading_in_both;
using base::in_both;
using base::table_head;
using base::table_row;

// The findings of each recording.
using ByRecording = std::vector<std::vector<const Finding*>>;

ByRecording by_recording(const Report& report) {
  ByRecording findings(report.recordings.size());
  for (const Finding& finding : report.findings) {
    if (finding.recording) findings[*finding.recording].push_back(&finding);
  }
  return findings;
}

size_t count_harms(const std::vector<const Finding*>& findings) {
  return static_cast<size_t>(std::count_if(findings.begin(), findings.end(),
                                           [](const auto* f) { return info_of(f->kind).harms; }));
}

std::string totals(const Report& report) {
  double seconds = 0;
  for (const Speaker& speaker : report.speakers) seconds += speaker.duration_s;
  return fmt::format("<p>{} {}, {:.2f} {}, {} {}</p>\n", report.recordings.size(),
                     in_both("recordings", "녹음"), seconds / 60, in_both("minutes", "분"),
                     report.usable(), in_both("usable", "쓸 수 있음"));
}

std::string speakers_table(const Report& report) {
  constexpr size_t kMost = 100;
  std::string html = heading_in_both("Speakers", "화자") + "<table>\n" +
                     table_head({in_both("name", "이름"), in_both("recordings", "녹음"),
                                 in_both("minutes", "분"), "LUFS", "Hz", in_both("script", "문자"),
                                 in_both("letters a second", "초당 글자")});
  for (size_t i = 0; i < std::min(kMost, report.speakers.size()); ++i) {
    const Speaker& speaker = report.speakers[i];
    const std::string loudness =
        speaker.loudness_lufs ? fmt::format("{:.1f} ({:.1f} … {:.1f})", *speaker.loudness_lufs,
                                            *speaker.quietest_lufs, *speaker.loudest_lufs)
                              : "";
    html += table_row({escape_html(speaker.name), std::to_string(speaker.recordings),
                       fmt::format("{:.2f}", speaker.duration_s / 60), loudness,
                       fmt::format("{}", fmt::join(speaker.rates_hz, ", ")),
                       std::string(text::name_of(speaker.script)),
                       fmt::format("{:.1f}", speaker.letters_per_s)});
  }
  html += "</table>\n";
  if (report.speakers.size() > kMost)
    html += fmt::format("<p>+ {}</p>\n", report.speakers.size() - kMost);
  return html;
}

std::string histogram(const std::string& caption, const std::vector<double>& values) {
  return "<figure>\n" + draw_histogram(values) + "<figcaption>" + caption +
         "</figcaption>\n</figure>\n";
}

std::string histograms(const Report& report) {
  std::vector<double> lengths, levels, rates;
  for (const Recording& recording : report.recordings) {
    if (!recording.sound) continue;
    lengths.push_back(recording.sound->duration_s());
    if (recording.sound->loudness_lufs) levels.push_back(*recording.sound->loudness_lufs);
    if (recording.transcript)
      rates.push_back(recording.transcript->letters / sounding_s(*recording.sound));
  }
  return heading_in_both("Distributions", "분포") + "<div class=\"charts\">\n" +
         histogram(in_both("Length, s", "길이, 초"), lengths) +
         histogram(in_both("Loudness, LUFS", "음량, LUFS"), levels) +
         histogram(in_both("Letters a second", "초당 글자"), rates) + "</div>\n";
}

std::string kinds_table(const Report& report) {
  if (report.findings.empty()) return {};
  std::string html = heading_in_both("Findings", "찾은 것") + "<table>\n" +
                     table_head({in_both("kind", "종류"), in_both("files", "파일"), "",
                                 in_both("what to do", "해결 방법")});
  for (size_t kind = 0; kind < kKinds; ++kind) {
    const auto count = std::count_if(
        report.findings.begin(), report.findings.end(),
        [kind](const Finding& finding) { return static_cast<size_t>(finding.kind) == kind; });
    if (count == 0) continue;
    const KindInfo& info = info_of(static_cast<Kind>(kind));
    const std::string name(info.name);
    html += table_row(
        {info.harms ? "<b class=\"harms\">" + name + "</b>" : name, std::to_string(count),
         in_both(escape_html(info.title), escape_html(info.korean)), escape_html(info.fix)});
  }
  return html + "</table>\n";
}

std::string list_of(const std::vector<const Finding*>& findings) {
  if (findings.empty()) return {};
  std::string html = "<ul>";
  for (const Finding* finding : findings) {
    const KindInfo& info = info_of(finding->kind);
    html += fmt::format("<li{}>{}: {}</li>", info.harms ? " class=\"harms\"" : "", info.name,
                        escape_html(finding->what));
  }
  return html + "</ul>";
}

class Files {
 public:
  Files(const Report& report, const fs::path& place)
      : report_(report), findings_(by_recording(report)) {
    std::error_code error;
    prefix_ = fs::canonical(report.folder, error);
    const fs::path from = fs::weakly_canonical(fs::absolute(place), error);
    if (error) throw Error(ErrorKind::io, place.string(), "cannot be found: " + error.message());
    prefix_ = prefix_.lexically_relative(from);
  }

  std::string table() const {
    constexpr size_t kMost = 300;
    std::vector<size_t> order(report_.recordings.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [this](size_t a, size_t b) {
      const size_t left = count_harms(findings_[a]), right = count_harms(findings_[b]);
      return left != right ? left > right : findings_[a].size() > findings_[b].size();
    });
    std::string html = heading_in_both("Recordings, the worst first", "녹음, 나쁜 것부터") +
                       "<table class=\"files\">\n";
    for (size_t i = 0; i < std::min(kMost, order.size()); ++i) html += row(order[i]);
    html += "</table>\n";
    if (order.size() > kMost) html += fmt::format("<p>+ {}</p>\n", order.size() - kMost);
    return html;
  }

 private:
  std::string row(size_t i) const {
    const Recording& recording = report_.recordings[i];
    const std::string harm = count_harms(findings_[i]) > 0 ? " class=\"harm\"" : "";
    std::string html = "<tr" + harm + "><td>";
    if (recording.sound) {
      html += draw_waveform(recording.sound->envelope) +
              "<audio controls=\"controls\" preload=\"none\" src=\"" +
              base::file_address(prefix_ / recording.path) + "\"></audio>";
    }
    html += "</td><td><b>" + escape_html(recording.path.string()) + "</b>" + figures(recording);
    if (recording.transcript) html += "<br/>" + escape_html(recording.transcript->excerpt);
    return html + list_of(findings_[i]) + "</td></tr>\n";
  }

  static std::string figures(const Recording& recording) {
    if (!recording.sound) return {};
    const audio::SoundFigures& sound = *recording.sound;
    std::string line =
        fmt::format("<br/>{:.2f} s, {} Hz, {} ch, &lt; {:.1f} kHz", sound.duration_s(),
                    sound.sample_rate_hz, sound.channels, sound.bandwidth_hz / 1000);
    if (sound.loudness_lufs && std::isfinite(*sound.loudness_lufs))
      line += fmt::format(", {:.1f} LUFS", *sound.loudness_lufs);
    if (sound.true_peak > 0) line += fmt::format(", {:.1f} dBTP", 20 * std::log10(sound.true_peak));
    return line;
  }

  const Report& report_;
  ByRecording findings_;
  fs::path prefix_;  // of the recordings' folder, from the page
};

// What belongs to no recording.
std::string other_findings(const Report& report) {
  std::vector<const Finding*> others;
  constexpr size_t kMost = 100;
  for (const Finding& finding : report.findings) {
    if (!finding.recording && others.size() < kMost) others.push_back(&finding);
  }
  if (others.empty()) return {};
  std::string html = heading_in_both("Beside the recordings", "그 밖에") + "<table>\n";
  for (const Finding* finding : others)
    html += table_row({escape_html(finding->path.string()),
                       std::string(info_of(finding->kind).name), escape_html(finding->what)});
  return html + "</table>\n";
}

}  // namespace

std::string report_html(const Report& report, const fs::path& place) {
  return base::html_page(report.folder.string(), totals(report) + speakers_table(report) +
                                                     histograms(report) + kinds_table(report) +
                                                     Files(report, place).table() +
                                                     other_findings(report));
}

}  // namespace koi::check
