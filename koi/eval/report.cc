#include "koi/eval/report.h"

#include <fmt/format.h>

#include <cmath>

#include "koi/base/html.h"

namespace koi::eval {
namespace {

using base::escape_html;
using base::heading_in_both;
using base::in_both;

std::string percent(double share) {
  return std::isfinite(share) ? fmt::format("{:.1f} %", 100 * share) : "";
}

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.3f}", *value) : "";
}

std::vector<std::string> summary_head(const Evaluation& evaluation) {
  std::vector<std::string> cells{in_both("voice", "목소리"), in_both("score", "점수")};
  for (const std::string& name : evaluation.recognizers) {
    cells.push_back(escape_html(name) + " " + in_both("words wrong", "단어 오류"));
    cells.push_back(escape_html(name) + " " + in_both("characters wrong", "글자 오류"));
  }
  if (evaluation.embedder) cells.push_back(in_both("likeness", "닮은 정도"));
  for (const auto& [english, korean] : {std::pair("duration to recordings", "녹음 대비 길이"),
                                        {"silence", "무음"},
                                        {"clipped", "클리핑"},
                                        {"sentences", "문장"},
                                        {"without sound", "소리 없음"},
                                        {"cut at the limit", "길이 제한에 걸림"}})
    cells.push_back(in_both(english, korean));
  return cells;
}

std::string voice_name(const Row& row) {
  const std::string name = "<b>" + escape_html(row.voice) + "</b>";
  switch (row.kind) {
    case Voice::Kind::originals:
      return name + "<br/>" + in_both("the recordings", "녹음 그대로");
    case Voice::Kind::codec:
      return name + "<br/>" + in_both("recordings through the codec", "코덱을 거친 녹음");
    case Voice::Kind::checkpoint:
      break;
  }
  return name;
}

std::string summary(const Evaluation& evaluation) {
  std::string html = "<table>\n" + base::table_head(summary_head(evaluation));
  for (const Row& row : evaluation.rows) {
    const Totals& totals = row.totals;
    std::vector<std::string> cells{voice_name(row), fmt::format("{:.3f}", totals.score)};
    for (size_t i = 0; i < evaluation.recognizers.size(); ++i) {
      const bool is_known = i < totals.errors.size();
      cells.push_back(is_known ? percent(totals.errors[i].words.rate()) : "");
      cells.push_back(is_known ? percent(totals.errors[i].characters.rate()) : "");
    }
    if (evaluation.embedder) cells.push_back(number(totals.likeness));
    cells.push_back(number(totals.duration_ratio));
    cells.push_back(percent(totals.silent_share));
    cells.push_back(percent(totals.clipped_share));
    for (const size_t count : {totals.sentences, totals.failed, totals.reached_limit})
      cells.push_back(std::to_string(count));
    html += base::table_row(cells);
  }
  return html + "</table>\n";
}

std::string explanation(const Evaluation& evaluation) {
  const bool is_heard = !evaluation.recognizers.empty(), is_known = evaluation.embedder.has_value();
  std::string html = "<p>";
  if (is_heard || is_known) {
    html += in_both(
        "Checkpoints are ordered by the score: the share of characters that were heard right times "
        "the likeness to the recordings' speaker, as far as these were asked for.",
        "체크포인트는 점수 순입니다. 점수는 바르게 들린 글자의 비율에 녹음 화자와 닮은 정도를 곱한 "
        "것이며, 측정한 항목만 씁니다.");
  } else {
    html += in_both(
        "Nobody has heard the sentences: checkpoints are ordered by how many sentences came to an "
        "end and by their durations. scripts/setup --eval gets recognisers (--recognizer, "
        "--speaker).",
        "문장을 들은 인식기가 없어, 끝까지 말한 문장의 수와 길이로 순서를 정했습니다. "
        "scripts/setup --eval 로 인식기를 설치할 수 있습니다(--recognizer, --speaker).");
  }
  return html + "</p>\n";
}

std::string sound(const Take& take, const base::fs::path& output) {
  if (take.wav.empty())
    return "<span class=\"harms\">" + in_both("no sound", "소리 없음") + ": " +
           escape_html(take.failure) + "</span>";
  std::string html = "<audio controls=\"controls\" preload=\"none\" src=\"" +
                     base::file_address(take.wav.lexically_relative(output)) + "\"></audio> " +
                     fmt::format("{:.2f} s", take.duration_s);
  if (take.reached_limit)
    html += " <span class=\"harms\">" + in_both("cut at the limit", "길이 제한에 걸림") + "</span>";
  if (take.clipped_s > 0)
    html += " <span class=\"harms\">" + in_both("clipped", "클리핑") + "</span>";
  return html;
}

// A sentence by all voices that spoke it.
std::string sentence_table(const Evaluation& evaluation, const std::vector<const Result*>& results,
                           const base::fs::path& output) {
  std::vector<std::string> head{in_both("voice", "목소리"), in_both("sound", "소리")};
  for (const std::string& name : evaluation.recognizers) head.push_back(escape_html(name));
  if (evaluation.embedder) head.push_back(in_both("likeness", "닮은 정도"));
  std::string html = "<table>\n" + base::table_head(head);
  for (size_t row = 0; row < results.size(); ++row) {
    if (results[row] == nullptr) continue;
    const Result& result = *results[row];
    std::vector<std::string> cells{escape_html(evaluation.rows[row].voice),
                                   sound(result.take, output)};
    for (const Heard& heard : result.heard) {
      cells.push_back(escape_html(heard.hypothesis) + " <small>" +
                      percent(heard.errors.characters.rate()) + "</small>");
    }
    if (evaluation.embedder) cells.push_back(number(result.likeness));
    html += base::table_row(cells);
  }
  return html + "</table>\n";
}

std::string sentences(const Evaluation& evaluation, const base::fs::path& output) {
  const size_t rows = evaluation.rows.size();
  std::vector<std::vector<const Result*>> by_sentence(evaluation.sentences.size(),
                                                      std::vector<const Result*>(rows));
  for (size_t row = 0; row < rows; ++row) {
    for (const Result& result : evaluation.rows[row].results)
      by_sentence[result.take.sentence][row] = &result;
  }
  std::string html = heading_in_both("Sentences", "문장");
  for (size_t i = 0; i < by_sentence.size(); ++i) {
    const Sentence& sentence = evaluation.sentences[i];
    html += "<h3>" + escape_html(sentence.text) + " <small>" + escape_html(sentence.name) +
            "</small></h3>\n" + sentence_table(evaluation, by_sentence[i], output);
  }
  return html;
}

}  // namespace

std::string to_html(const Evaluation& evaluation, const base::fs::path& output) {
  return base::html_page(
      "koi eval", summary(evaluation) + explanation(evaluation) + sentences(evaluation, output));
}

}  // namespace koi::eval
