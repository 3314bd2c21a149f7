#include "koi/eval/report.h"

#include <gmock/gmock.h>

#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::eval {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Evaluation sample() {
  Evaluation evaluation{.sentences = {{"a<1>", "Say \"one\" & two."}, {"둘", "안녕"}},
                        .recognizers = {"ear&"},
                        .embedder = "who",
                        .rows = {}};
  Row best{.voice = "best#1", .results = {}};
  best.results.push_back({{.sentence = 0, .wav = "out/best#1/a<1>.wav", .duration_s = 1.5},
                          {{"Say <b>", {{2, 3}, {5, 11}}}},
                          0.875});
  best.results.push_back({{.sentence = 1,
                           .wav = "out/best#1/둘.wav",
                           .reached_limit = true,
                           .duration_s = 2,
                           .clipped_s = 0.1},
                          {{"안녕", {{0, 1}, {0, 2}}}},
                          {}});
  best.totals = sum_up(best.results, {1, 0});
  Row recorded{.voice = "originals", .kind = Voice::Kind::originals, .results = {}};
  recorded.results.push_back(
      {{.sentence = 0, .failure = "x.wav: \x01 is damaged"}, {{"", {{3, 3}, {11, 11}}}}, {}});
  recorded.totals = sum_up(recorded.results, {0, 0});
  evaluation.rows = {best, recorded};
  return evaluation;
}

TEST(Report, ShowsEachSentenceByEachVoice) {
  const std::string page = to_html(sample(), "out");
  EXPECT_THAT(page, AllOf(HasSubstr("src=\"best%231/a%3C1%3E.wav\""), HasSubstr("Say &lt;b&gt;"),
                          HasSubstr("Say &quot;one&quot; &amp; two."), HasSubstr("ear&amp;"),
                          HasSubstr("is damaged"), HasSubstr("0.875"), HasSubstr("50.0 %")));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("http")),
                          Not(HasSubstr("<b>\"")), Not(HasSubstr("setup --eval"))));
  EXPECT_LT(page.find("best#1"), page.find("originals"));
}

TEST(Report, IsWellFormedAndSaysWhatIsMissing) {
  const test::TempDir dir;
  Evaluation silent = sample();
  silent.recognizers.clear();
  silent.embedder.reset();
  for (Row& row : silent.rows) {
    for (Result& result : row.results) result.heard.clear();
    row.totals = sum_up(row.results, {1, 0});
  }
  EXPECT_THAT(to_html(silent, "out"), HasSubstr("scripts/setup --eval"));
  for (const Evaluation& evaluation : {sample(), silent, Evaluation{}}) {
    base::write_file(dir / "page.html", to_html(evaluation, "out"));
    const auto parsed =
        test::run({"python3", "-c", "import sys, xml.dom.minidom as x; x.parse(sys.argv[1])",
                   (dir / "page.html").string()});
    EXPECT_EQ(parsed.status, 0) << parsed.err;
  }
}

}  // namespace
}  // namespace koi::eval
