#include "koi/train/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "koi/base/html.h"
#include "koi/base/shell_word.h"
#include "koi/train/checkpoint_files.h"
#include "koi/train/settings_summary.h"
#include "koi/train/svg_chart.h"

namespace koi::train {
namespace {

using base::escape_html;
using base::heading_in_both;
using base::in_both;
using base::shell_word;

std::string step_name(int64_t step) { return checkpoint_path("", step).stem().string(); }

const Metrics* best_of(const std::vector<Metrics>& rows) {
  const Metrics* best = nullptr;
  for (const Metrics& row : rows) {
    if (!row.validation || !std::isfinite(row.validation->losses.loss)) continue;
    if (best == nullptr || row.validation->losses.loss < best->validation->losses.loss) best = &row;
  }
  return best;
}

using Value = std::function<double(const Metrics&)>;

std::vector<ChartPoint> course(const std::vector<Metrics>& rows, const Value& value) {
  std::vector<ChartPoint> points;
  for (const Metrics& row : rows) {
    if (row.train) points.push_back({static_cast<double>(row.step), value(row)});
  }
  return points;
}

// The exponential mean of what lies before each point, without the bias of its beginning.
std::vector<double> running_mean(const std::vector<ChartPoint>& points, double keep) {
  std::vector<double> means;
  double sum = 0, weight = 0;
  for (const ChartPoint& point : points) {
    sum = keep * sum + (1 - keep) * point.y;
    weight = keep * weight + (1 - keep);
    means.push_back(sum / weight);
  }
  return means;
}

// Over about a twentieth of the run, from both sides so that the curve does not lag.
std::vector<ChartPoint> smoothed(std::vector<ChartPoint> points) {
  const double keep = 1 - 1 / std::max(4.0, static_cast<double>(points.size()) / 40);
  const auto before = running_mean(points, keep);
  std::reverse(points.begin(), points.end());
  const auto behind = running_mean(points, keep);
  std::reverse(points.begin(), points.end());
  for (size_t i = 0; i < points.size(); ++i)
    points[i].y = (before[i] + behind[points.size() - 1 - i]) / 2;
  return points;
}

std::string loss_chart(const std::vector<Metrics>& rows) {
  const auto losses = course(rows, [](const Metrics& row) { return row.train->loss; });
  std::vector<ChartPoint> validations;
  for (const Metrics& row : rows) {
    if (row.validation)
      validations.push_back(
          {static_cast<double>(row.step), row.validation->losses.loss, row.validation->interval});
  }
  return "<figure>\n" +
         draw_chart({.lines = {{"raw", losses},
                               {"smooth", smoothed(losses)},
                               {"val", validations, /*marked=*/true}}}) +
         "<figcaption><b class=\"raw\">&#9644;</b> " + in_both("each step", "단계마다") +
         " <b class=\"smooth\">&#9644;</b> " + in_both("its mean", "평균") +
         " <b class=\"val\">&#9679;</b> " +
         in_both("held-out sentences, with their 95 % interval", "떼어 둔 문장, 95 % 신뢰 구간") +
         "</figcaption>\n</figure>\n";
}

std::string small_chart(const std::vector<Metrics>& rows, const std::string& caption,
                        const Value& value) {
  return "<figure>\n" +
         draw_chart({.lines = {{"smooth", course(rows, value)}},
                     .from_zero = true,
                     .width = 420,
                     .height = 190}) +
         "<figcaption>" + caption + "</figcaption>\n</figure>\n";
}

std::string small_charts(const std::vector<Metrics>& rows) {
  constexpr double kGiB = 1 << 30;
  return "<div class=\"charts\">\n" +
         small_chart(rows, in_both("Learning rate", "학습률"),
                     [](const Metrics& row) { return row.lr; }) +
         small_chart(rows, in_both("Tokens a second", "초당 토큰"),
                     [](const Metrics& row) { return row.tokens_per_s; }) +
         small_chart(
             rows,
             in_both("% of what the machine's matrix products reach", "행렬 곱 최고 속도의 %"),
             [](const Metrics& row) { return 100 * row.gemm_share; }) +
         small_chart(rows, in_both("Memory, GiB", "메모리, GiB"),
                     [](const Metrics& row) {
                       return static_cast<double>(row.memory.resident_bytes) / kGiB;
                     }) +
         "</div>\n";
}

std::string suggestion(const Settings& settings, const std::optional<int64_t>& step) {
  std::string html = heading_in_both("Suggested checkpoint", "추천 체크포인트");
  if (!step) {
    return html + "<p>" +
           in_both("None yet: no validation has a checkpoint.",
                   "아직 없습니다: 검증된 체크포인트가 없습니다.") +
           "</p>\n";
  }
  const auto path = checkpoint_path(settings.checkpoint_folder, *step);
  const std::string command = "koi merge-lora --base-weight " + shell_word(settings.base_model) +
                              " --lora-weight " + shell_word(path) + " --output " +
                              shell_word(settings.run_folder / "merged");
  return html + "<p><b>" + escape_html(path.string()) + "</b><br/>" +
         in_both(
             "The earliest one that is as good as the best one, as far as the held-out sentences "
             "can tell; earlier ones are less over-fitted.",
             "떼어 둔 문장으로 가릴 수 있는 한 가장 좋은 것과 같은 것 가운데 가장 이른 것입니다. "
             "이를수록 "
             "과적합이 적습니다.") +
         "</p>\n<pre>" + escape_html(command) + "</pre>\n";
}

std::string validation_row(const Settings& settings, const Metrics& row, const std::string& mark) {
  const LossValues& losses = row.validation->losses;
  const std::string sample = "samples/" + step_name(row.step) + ".wav";
  std::string html = fmt::format(
      "<tr><td>{}</td><td>{}</td><td>{:.4f}</td><td>{}</td>", row.step,
      row.epoch ? fmt::format("{:.2f}", *row.epoch) : "", losses.loss,
      row.validation->interval > 0 ? fmt::format("± {:.4f}", row.validation->interval) : "");
  html += fmt::format("<td>{:.4f}</td><td>{:.4f}</td><td>{:.1f} %</td><td>", losses.base_loss,
                      losses.semantic_loss, 100 * losses.top_5_accuracy);
  if (base::fs::exists(settings.run_folder / sample))
    html += "<audio controls=\"controls\" preload=\"none\" src=\"" + sample + "\"></audio>";
  return html + "</td><td>" + mark + "</td></tr>\n";
}

std::string validations(const Settings& settings, const std::vector<Metrics>& rows,
                        const std::optional<int64_t>& suggested) {
  const Metrics* best = best_of(rows);
  if (best == nullptr) return {};
  std::string html = heading_in_both("Validations", "검증") + "<table class=\"validations\">\n<tr>";
  const std::vector<std::pair<const char*, const char*>> columns{
      {"step", "단계"},  {"epoch", "에포크"}, {"loss", "손실"},   {"95 %", "구간"}, {"text", "글"},
      {"codes", "코드"}, {"top 5", "상위 5"}, {"sample", "견본"}, {"note", "비고"}};
  for (const auto& [english, korean] : columns) html += "<th>" + in_both(english, korean) + "</th>";
  html += "</tr>\n";
  for (const Metrics& row : rows) {
    if (!row.validation) continue;
    std::string mark;
    if (row.step == best->step) mark += in_both("best", "최고") + " ";
    if (row.step == suggested) mark += "<b>" + in_both("suggested", "추천") + "</b>";
    html += validation_row(settings, row, mark);
  }
  return html + "</table>\n";
}

std::string list_of(const std::vector<std::string>& lines) {
  std::string html = "<ul>\n";
  for (const std::string& line : lines) html += "<li>" + escape_html(line) + "</li>\n";
  return html + "</ul>\n";
}

std::string settings_table(const Settings& settings) {
  std::string html = heading_in_both("Settings", "설정");
  if (!settings.overrides.empty()) {
    std::string given;
    for (const std::string& text : settings.overrides)
      given += escape_html(shell_word(text)) + "\n";
    html += "<pre>" + given + "</pre>\n";
  }
  html += "<table>\n";
  for (const auto& [key, value] : main_settings(settings))
    html += "<tr><th>" + escape_html(key) + "</th><td>" + escape_html(value) + "</td></tr>\n";
  return html + "</table>\n";
}

std::string progress(const Settings& settings, const std::vector<Metrics>& rows) {
  const Metrics* last = nullptr;
  for (const Metrics& row : rows)
    if (row.train) last = &row;
  if (last == nullptr) return {};
  std::string line = fmt::format("{} {} / {}, {} {:.4f}", in_both("step", "단계"), last->step,
                                 settings.max_steps, in_both("loss", "손실"), last->train->loss);
  if (const Metrics* best = best_of(rows))
    line += fmt::format(", {} {:.4f}", in_both("best validation", "최고 검증"),
                        best->validation->losses.loss);
  return "<p>" + line + "</p>\n";
}

}  // namespace

std::optional<int64_t> suggested_step(const std::vector<Metrics>& rows,
                                      const std::vector<base::fs::path>& checkpoints) {
  const Metrics* best = best_of(rows);
  if (best == nullptr) return std::nullopt;
  const double bound = best->validation->losses.loss + best->validation->interval;
  for (const Metrics& row : rows) {
    if (!row.validation || !(row.validation->losses.loss <= bound)) continue;
    const bool is_kept = std::any_of(checkpoints.begin(), checkpoints.end(), [&](const auto& path) {
      return path.stem() == step_name(row.step);
    });
    if (is_kept) return row.step;
  }
  return std::nullopt;
}

std::string report_html(const Settings& settings, const std::vector<Metrics>& rows,
                        const std::vector<std::string>& notes) {
  const auto suggested = suggested_step(rows, list_checkpoints(settings.checkpoint_folder));
  std::string html = progress(settings, rows) + suggestion(settings, suggested);
  html +=
      heading_in_both("Loss", "손실") + loss_chart(rows) + validations(settings, rows, suggested);
  html += heading_in_both("Speed and memory", "속도와 메모리") + small_charts(rows);
  if (!notes.empty()) html += heading_in_both("Data", "데이터") + list_of(notes);
  // "results/x/" has no last part.
  const base::fs::path name = (settings.run_folder / "").parent_path().filename();
  return base::html_page(name.string(), html + settings_table(settings));
}

base::fs::path report_path(const Settings& settings) { return settings.run_folder / "report.html"; }

}  // namespace koi::train
