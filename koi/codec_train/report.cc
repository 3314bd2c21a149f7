#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "koi/base/html.h"
#include "koi/codec_train/records.h"
#include "koi/train/svg_chart.h"

namespace koi::codec_train {
namespace {

using base::heading_in_both;
using base::in_both;
using nlohmann::json;
using Points = std::vector<train::ChartPoint>;

struct Course {
  std::map<std::string, Points> values;  // of each number of metrics.jsonl, by step
  json last, last_validation;            // rows; null where there is none
};

Course read_course(const base::fs::path& path) {
  Course course;
  std::istringstream lines(base::fs::exists(path) ? base::read_file(path) : "");
  for (std::string line; std::getline(lines, line);) {
    json row = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!row.is_object() || !row.contains("step") || !row["step"].is_number()) break;
    for (const auto& [name, value] : row.items())
      if (value.is_number())
        course.values[name].push_back({row["step"].get<double>(), value.get<double>()});
    if (row.contains("codes_distinct") && row.contains("codes_perplexity"))
      course.last_validation = row;
    course.last = std::move(row);
  }
  return course;
}

struct ChartName {
  const char *key, *english, *korean;
};
constexpr ChartName kCharts[] = {
    {"mel", "Mel spectrogram, mean difference", "멜 스펙트로그램 평균 차이"},
    {"stft", "Spectra at several resolutions", "여러 해상도의 스펙트럼"},
    {"spread", "Spread of the quantizer's inputs", "양자화 입력의 퍼짐"},
    {"adversarial", "Adversarial", "적대적 손실"},
    {"feature", "Features", "특징 차이"},
    {"discriminator", "Discriminators", "판별기"},
    {"lr", "Learning rate", "학습률"},
    {"audio_rate", "Seconds of recordings a second", "초당 학습한 녹음 길이(초)"},
};

std::string charts(const Course& course) {
  std::string html = "<div class=\"charts\">\n";
  for (const ChartName& chart : kCharts) {
    const auto found = course.values.find(chart.key);
    if (found == course.values.end()) continue;
    train::Chart drawing{.lines = {{"smooth", found->second}}, .width = 420, .height = 190};
    const auto validated = course.values.find(std::string("val_") + chart.key);
    if (validated != course.values.end())
      drawing.lines.push_back({"val", validated->second, /*marked=*/true});
    html += "<figure>\n" + train::draw_chart(drawing) + "<figcaption>" +
            in_both(chart.english, chart.korean) + "</figcaption>\n</figure>\n";
  }
  return html + "</div>\n<p><b class=\"val\">&#9679;</b> " +
         in_both("held-out recordings", "떼어 둔 녹음") + "</p>\n";
}

// 0 for what is none: a file may have been edited.
double number(const json& value) { return value.is_number() ? value.get<double>() : 0; }

std::string usage_table(const json& row) {
  if (!row.is_object()) return {};
  std::string html = heading_in_both("Codes in use", "쓰이는 코드") + "<table>\n<tr>";
  html += "<th>" + in_both("codebook", "코드북") + "</th><th>" + in_both("distinct", "종류") +
          "</th><th>" + in_both("perplexity", "퍼플렉시티") + "</th></tr>\n";
  const json &distinct = row["codes_distinct"], &perplexity = row["codes_perplexity"];
  if (!distinct.is_array() || !perplexity.is_array()) return {};
  for (size_t k = 0; k < distinct.size() && k < perplexity.size(); ++k)
    html += fmt::format("<tr><td>{}</td><td>{}</td><td>{:.1f}</td></tr>\n", k, distinct[k].dump(),
                        number(perplexity[k]));
  return html + "</table>\n";
}

std::string sample_players(const Settings& settings) {
  const base::fs::path folder = settings.run_folder / "samples";
  if (!base::fs::is_directory(folder)) return {};
  std::string html = heading_in_both("Samples", "견본") + "<table>\n";
  for (const base::fs::path& path : base::list_files(
           folder, [](const base::fs::path& p) { return p.extension() == ".wav"; }, false)) {
    const std::string name = base::escape_html(path.filename().string());
    html += "<tr><th>" + name +
            "</th><td><audio controls=\"controls\" preload=\"none\" src=\"samples/" + name +
            "\"></audio></td></tr>\n";
  }
  return html + "</table>\n";
}

}  // namespace

base::fs::path report_path(const Settings& settings) { return settings.run_folder / "report.html"; }

void write_report(const Settings& settings, const std::vector<std::string>& notes) {
  const Course course = read_course(settings.run_folder / "metrics.jsonl");
  std::string html;
  if (course.last.is_object()) {
    html +=
        fmt::format("<p>{} {} / {}, {} {}</p>\n", in_both("step", "단계"),
                    course.last["step"].dump(), settings.total_steps(), in_both("stage", "구간"),
                    base::escape_html(course.last.value("stage", std::string())));
  }
  html += heading_in_both("Course", "경과") + charts(course) + usage_table(course.last_validation) +
          sample_players(settings);
  std::string lines;
  for (const std::string& line : notes) lines += "<li>" + base::escape_html(line) + "</li>\n";
  if (!lines.empty()) html += heading_in_both("Data", "데이터") + "<ul>\n" + lines + "</ul>\n";
  std::string given;
  for (const std::string& line : settings.overrides) given += base::escape_html(line) + "\n";
  if (!given.empty()) html += heading_in_both("Settings", "설정") + "<pre>" + given + "</pre>\n";
  const base::fs::path name = (settings.run_folder / "").parent_path().filename();
  base::write_file(report_path(settings), base::html_page(name.string(), html));
}

}  // namespace koi::codec_train
