#include <cmath>
#include <nlohmann/json.hpp>

#include "koi/eval/report.h"

namespace koi::eval {
namespace {

using nlohmann::json;

json to_json(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? json(*value) : json();
}

json to_json(const TextErrors& errors) {
  return {
      {"wer", to_json(errors.words.rate())},          {"cer", to_json(errors.characters.rate())},
      {"word_errors", errors.words.errors},           {"words", errors.words.length},
      {"character_errors", errors.characters.errors}, {"characters", errors.characters.length}};
}

const char* kind_name(Voice::Kind kind) {
  switch (kind) {
    case Voice::Kind::originals:
      return "originals";
    case Voice::Kind::codec:
      return "codec";
    case Voice::Kind::checkpoint:
      break;
  }
  return "checkpoint";
}

json to_json(const Evaluation& evaluation, const Result& result, const base::fs::path& output) {
  const Take& take = result.take;
  const Sentence& sentence = evaluation.sentences[take.sentence];
  json entry = {{"name", sentence.name}, {"text", sentence.text}};
  if (take.wav.empty()) {
    entry["failure"] = take.failure;
  } else {
    entry["wav"] = take.wav.lexically_relative(output).string();
    entry["reached_limit"] = take.reached_limit;
    entry["seconds"] = take.duration_s;
    entry["silent_seconds"] = take.silent_s;
    entry["clipped_seconds"] = take.clipped_s;
  }
  for (size_t i = 0; i < result.heard.size(); ++i) {
    json heard = to_json(result.heard[i].errors);
    heard["heard"] = result.heard[i].hypothesis;
    entry["recognizers"][evaluation.recognizers[i]] = heard;
  }
  if (evaluation.embedder) entry["likeness"] = to_json(result.likeness);
  return entry;
}

json to_json(const Evaluation& evaluation, const Row& row, const base::fs::path& output) {
  const Totals& totals = row.totals;
  json entry = {{"name", row.voice},
                {"kind", kind_name(row.kind)},
                {"score", totals.score},
                {"sentences", totals.sentences},
                {"failed", totals.failed},
                {"reached_limit", totals.reached_limit},
                {"seconds", totals.duration_s},
                {"duration_ratio", to_json(totals.duration_ratio)},
                {"silent_share", totals.silent_share},
                {"clipped_share", totals.clipped_share}};
  for (size_t i = 0; i < totals.errors.size(); ++i)
    entry["recognizers"][evaluation.recognizers[i]] = to_json(totals.errors[i]);
  if (evaluation.embedder) entry["likeness"] = to_json(totals.likeness);
  entry["results"] = json::array();
  for (const Result& result : row.results)
    entry["results"].push_back(to_json(evaluation, result, output));
  return entry;
}

}  // namespace

std::string to_json(const Evaluation& evaluation, const base::fs::path& output) {
  json rows = json::array();
  for (const Row& row : evaluation.rows) rows.push_back(to_json(evaluation, row, output));
  const json whole = {{"recognizers", evaluation.recognizers},
                      {"speaker", evaluation.embedder ? json(*evaluation.embedder) : json()},
                      {"rows", rows}};
  // Names of files are whatever bytes they are.
  return whole.dump(1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

}  // namespace koi::eval
