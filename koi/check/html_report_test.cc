#include "koi/check/html_report.h"

#include <gmock/gmock.h>

#include "koi/check/html_charts.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::check {
namespace {

namespace fs = base::fs;
using testing::HasSubstr;
using testing::Not;

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

class HtmlReport : public testing::Test {
 protected:
  HtmlReport() {
    base::make_folder(dir / "raw");
    report.folder = dir / "raw";
    report.speakers.push_back({.folder = "", .name = "<민지>", .recordings = 0});
  }

  void add(const fs::path& path) {
    audio::SoundFigures sound{.channels = 1, .sample_rate_hz = 8000, .frames = 8000};
    sound.loudness_lufs = -20;
    sound.envelope = {0, 255, 128};
    report.recordings.push_back({.path = path, .sound = sound});
    report.recordings.back().transcript = Transcript{.hash = "", .excerpt = "a <b> & \uFFFF\x01 c"};
  }

  void find(Kind kind, size_t recording) {
    report.findings.push_back({kind, report.recordings[recording].path, "is <so>", recording});
  }

  // The page, which a parser of XML has read.
  std::string page() {
    const std::string html = report_html(report, dir.path());
    base::write_file(dir / "page.html", html);
    const test::RunResult parsed =
        test::run({"python3", "-c", "import sys, xml.dom.minidom as dom; dom.parse(sys.argv[1])",
                   (dir / "page.html").string()});
    EXPECT_EQ(parsed.status, 0) << parsed.err;
    return html;
  }

  test::TempDir dir;
  Report report;
};

TEST_F(HtmlReport, TheWorstComeFirst) {
  for (const char* name : {"good.wav", "remark.wav", "bad.wav"}) add(name);
  find(Kind::too_long, 1);
  find(Kind::duplicate_text, 1);
  find(Kind::clipped, 2);
  const std::string html = page();
  const std::string files = html.substr(html.find("the worst first"));
  EXPECT_LT(files.find("bad.wav"), files.find("remark.wav"));
  EXPECT_LT(files.find("remark.wav"), files.find("good.wav"));
  EXPECT_EQ(count(html, "class=\"wave\""), 3U);
  EXPECT_EQ(count(html, "<tr class=\"harm\">"), 1U);
}

TEST_F(HtmlReport, NothingLeadsOutOfTheFileButThePlayers) {
  add("a.wav");
  const std::string html = page();
  EXPECT_THAT(html, Not(HasSubstr("http")));
  EXPECT_EQ(count(html, "src="), 1U);
  EXPECT_THAT(html, HasSubstr("src=\"raw/a.wav\""));
  report.folder = dir / "raw";
  EXPECT_THAT(report_html(report, dir / "elsewhere/deep"), HasSubstr("src=\"../../raw/a.wav\""));
}

TEST_F(HtmlReport, HostileNamesAndTextsAreEscaped) {
  add(fs::path("x:\"<&#?%\n\xFF.wav"));
  find(Kind::markup, 0);
  report.findings.push_back({Kind::odd_entry, "<pipe>.wav", "is a pipe"});
  const std::string html = page();
  EXPECT_THAT(html, HasSubstr("src=\"raw/x%3A%22%3C%26%23%3F%25%0A%FF.wav\""));
  EXPECT_THAT(html, HasSubstr("&lt;민지&gt;"));
  EXPECT_THAT(html, HasSubstr("a &lt;b&gt; &amp; \uFFFD\\x01 c"));
  EXPECT_THAT(html, HasSubstr("&lt;pipe&gt;.wav"));
}

TEST_F(HtmlReport, ManyFilesDoNotMakeItLong) {
  for (int i = 0; i < 350; ++i) add(std::to_string(i) + ".wav");
  const std::string html = page();
  EXPECT_EQ(count(html, "<audio"), 300U);
  EXPECT_THAT(html, HasSubstr("<p>+ 50</p>"));
}

TEST(HtmlCharts, AHistogramCountsEveryFiniteValue) {
  const std::string svg = draw_histogram({1, 1, 2, 3, std::numeric_limits<double>::infinity()});
  EXPECT_EQ(count(svg, "<rect"), 24U);
  EXPECT_THAT(svg, HasSubstr("<title>1: 2</title>"));
  EXPECT_THAT(svg, HasSubstr("<title>2: 1</title>"));
  EXPECT_THAT(svg, HasSubstr("<title>2.917: 1</title>"));
  EXPECT_THAT(draw_histogram({5, 5}), HasSubstr(": 2</title>"));
  EXPECT_THAT(draw_histogram({}), HasSubstr("no values"));
}

TEST(HtmlCharts, AWaveformHasAFewColumnsOfAnyLength) {
  EXPECT_THAT(draw_waveform({0, 255}), HasSubstr("0,19.8 1,0.8 1,39.2 0,20.2"));
  EXPECT_THAT(draw_waveform(std::vector<uint8_t>(256, 9)), HasSubstr("viewBox=\"0 0 128 40\""));
  EXPECT_THAT(draw_waveform({}), HasSubstr("points=\"\""));
}

}  // namespace
}  // namespace koi::check
