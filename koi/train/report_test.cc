#include "koi/train/report.h"

#include <gmock/gmock.h>

#include <cmath>

#include "koi/train/checkpoint_files.h"
#include "koi/train/svg_chart.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::train {
namespace {

using testing::HasSubstr;
using testing::Not;

Metrics validated(int64_t step, double loss, double interval) {
  return {.step = step,
          .train = LossValues{.loss = loss + 0.1},
          .validation = HeldOutLosses{.losses = {.loss = loss}, .interval = interval}};
}

std::vector<base::fs::path> saved(const std::vector<int64_t>& steps) {
  std::vector<base::fs::path> paths;
  for (const int64_t step : steps) paths.push_back(checkpoint_path("somewhere", step));
  return paths;
}

TEST(Suggestion, IsTheEarliestWithinTheNoiseOfTheBest) {
  const std::vector<Metrics> rows{validated(0, 9, 0.1),    validated(10, 4.0, 0.1),
                                  validated(20, 3.3, 9),   {.step = 25},
                                  validated(30, 3.0, 0.3), validated(40, 3.2, 0.3)};
  EXPECT_EQ(suggested_step(rows, saved({10, 20, 30, 40})), 20);  // 3.3 <= 3.0 + 0.3
  EXPECT_EQ(suggested_step(rows, saved({10, 30, 40})), 30);      // its file is gone
  EXPECT_EQ(suggested_step(rows, saved({10})), std::nullopt);
  EXPECT_EQ(suggested_step(rows, {}), std::nullopt);
  EXPECT_EQ(suggested_step({{.step = 1}}, saved({1})), std::nullopt);
}

TEST(Suggestion, WithoutAnIntervalItIsTheBest) {
  const std::vector<Metrics> rows{validated(5, std::nan(""), 0), validated(10, 4, 0),
                                  validated(20, 3, 0), validated(30, 3, 0)};
  EXPECT_EQ(suggested_step(rows, saved({5, 10, 20, 30})), 20);
}

class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    settings_.run_folder = folder_ / "목소리 <b>&/";
    settings_.checkpoint_folder = settings_.run_folder / "checkpoints";
    settings_.base_model = "it's a base";
    settings_.overrides = {"trainer.max_steps=2000", "project='목소리 <b>&'"};
    base::make_folder(settings_.checkpoint_folder);
    base::make_folder(settings_.run_folder / "samples");
  }

  // What it says; fails the test where it is no well-formed XML or refers to a network.
  std::string report(const std::vector<Metrics>& rows) const {
    const std::string html = report_html(settings_, rows, {"data: <3 sentences>"});
    const auto path = folder_ / "report.html";
    base::write_file(path, html);
    const auto parsed = test::run(
        {"python3", "-c", "import sys, xml.dom.minidom as dom; dom.parse(sys.argv[1])", path});
    EXPECT_EQ(parsed.status, 0) << parsed.err << html;
    EXPECT_THAT(html, Not(HasSubstr("://")));
    EXPECT_THAT(html, Not(HasSubstr("<script")));
    return html;
  }

  test::TempDir folder_;
  Settings settings_;
};

TEST_F(ReportTest, ShowsWhatThereIs) {
  std::vector<Metrics> rows{validated(0, 5, 0.1)};
  for (int64_t step = 1; step < 2000; ++step)
    rows.push_back({.step = step,
                    .epoch = 0.01 * static_cast<double>(step),
                    .train = LossValues{.loss = 5 / std::sqrt(step)},
                    .lr = 1e-4,
                    .tokens_per_s = 100});
  rows[1000].validation = HeldOutLosses{.losses = {.loss = 2}, .interval = 0.25};
  rows.push_back(validated(2000, 1.9, 0.2));
  for (const int64_t step : {1000, 2000})
    base::write_file(checkpoint_path(settings_.checkpoint_folder, step), "x");
  for (const char* name : {"step_000001000.wav", "step_000002000.wav", "step_000000007.wav"})
    base::write_file(settings_.run_folder / "samples" / name, "x");
  const std::string html = report(rows);
  EXPECT_THAT(html, HasSubstr("src=\"samples/step_000001000.wav\""));
  EXPECT_THAT(html, HasSubstr("src=\"samples/step_000002000.wav\""));
  EXPECT_THAT(html, Not(HasSubstr("step_000000000.wav")));  // was not spoken
  EXPECT_THAT(html, HasSubstr("--lora-weight &#39;"));
  EXPECT_THAT(html, HasSubstr("/checkpoints/step_000001000.ckpt"));
  EXPECT_THAT(html, HasSubstr("--base-weight &#39;it&#39;\\&#39;&#39;s a base&#39;"));
  EXPECT_THAT(html, HasSubstr("<title>목소리 &lt;b&gt;&amp;</title>"));
  EXPECT_THAT(html, HasSubstr("data: &lt;3 sentences&gt;"));
  EXPECT_THAT(html, HasSubstr("± 0.2500"));
  EXPECT_THAT(html,
              HasSubstr("<pre>trainer.max_steps=2000\n&#39;project=&#39;\\&#39;&#39;목소리 "));
  EXPECT_LT(html.size(), 200'000u);  // long runs are thinned out
}

TEST_F(ReportTest, IsSoundForARunThatHasHardlyBegun) {
  const double nan = std::nan("");
  EXPECT_THAT(report({}), HasSubstr("no values yet"));
  EXPECT_THAT(report({validated(0, 5, 0)}), HasSubstr("no validation has a checkpoint"));
  EXPECT_THAT(report({{.step = 1, .train = LossValues{.loss = nan}}}), HasSubstr("no values yet"));
  report({{.step = 1, .train = LossValues{.loss = 0}}});
}

TEST(SvgChart, DrawsEachPointAtItsPlace) {
  // Margins: 64 left, 12 right, 10 above, 28 below; a twentieth of room above and below.
  const std::string svg =
      draw_chart({.lines = {{"a", {{0, 0}, {10, 100}}}}, .width = 176, .height = 138});
  EXPECT_THAT(svg, HasSubstr("<polyline class=\"a\" points=\"64.0,105.5 164.0,14.5 \"/>"));
  EXPECT_THAT(svg, Not(HasSubstr("circle")));
  EXPECT_THAT(svg, HasSubstr(">100</text>"));
}

TEST(SvgChart, KeepsThePeaksOfALongLine) {
  ChartLine line{"a", {}, false};
  for (int x = 0; x < 10'000; ++x) line.points.push_back({1.0 * x, x == 5'003 ? 100.0 : 0.0});
  const std::string svg = draw_chart({.lines = {line}});
  EXPECT_THAT(svg, HasSubstr(",20.1 "));  // 10 + 222 * 5 / 110
  EXPECT_LT(svg.size(), 20'000u);
}

TEST(SvgChart, NoNumbersAreTooLargeOrTooNear) {
  for (const double y : {1e17, -1e17, 1e300, 1e-300, 0.0}) {
    const double next = std::nextafter(y, 2e300);
    const std::string svg = draw_chart({.lines = {{"a", {{y, y}, {next, next}, {1e18, 1e18}}}}});
    EXPECT_LT(svg.size(), 10'000u) << y;
    EXPECT_LT(draw_chart({.lines = {{"a", {{y, y}, {next, next}}}}}).size(), 10'000u) << y;
  }
}

}  // namespace
}  // namespace koi::train
