#include "koi/train/advice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "koi/dataset/speech_rate.h"
#include "koi/text/clean.h"

namespace koi::train {
namespace {

constexpr double kFewMinutes = 10;
constexpr double kDominating = 0.8;  // share of one of several speakers
constexpr size_t kNamed = 3;         // transcripts that are named, the others counted
constexpr double kOften = 3;         // times the suggested steps

double duration_s(const dataset::Sentence& sentence) {
  return kFrame_s * static_cast<double>(sentence.codes.front().size());
}

int64_t passes(double minutes) { return minutes < kFewMinutes ? 30 : minutes < 60 ? 20 : 10; }

double epochs_of(const Settings& settings, const dataset::EpochSummary& summary,
                 int64_t world_size) {
  const double rows_a_step = static_cast<double>(settings.batch_size) *
                             static_cast<double>(settings.accumulate_batches) *
                             static_cast<double>(world_size);
  return static_cast<double>(settings.max_steps) * rows_a_step /
         static_cast<double>(std::max<int64_t>(summary.rows, 1));
}

std::string overrides(const Advice& advice, const dataset::EpochSummary& summary,
                      const Settings& settings) {
  std::string text =
      fmt::format("trainer.max_steps={} data.batch_size={}", advice.max_steps, advice.batch_size);
  if (advice.accumulate_batches != 1 || settings.accumulate_batches != 1)
    text += fmt::format(" trainer.accumulate_grad_batches={}", advice.accumulate_batches);
  if (advice.max_length < settings.max_length || summary.cut_sentences > 0)
    text += fmt::format(" max_length={}", advice.max_length);
  return text;
}

// The beginning of a text, on one line.
std::string quoted(const std::string& text) {
  constexpr size_t kBytes = 60;
  std::string start = text::clean_text(text);
  if (start.size() > kBytes) {
    size_t end = kBytes;
    while ((static_cast<unsigned char>(start[end]) & 0xC0) == 0x80) --end;  // not inside of a sign
    start = start.substr(0, end) + "...";
  }
  return "\"" + start + "\"";
}

void add_odd_transcripts(const std::vector<std::string>& odd, std::vector<std::string>& lines) {
  if (odd.empty()) return;
  const size_t named = std::min(odd.size(), kNamed);
  lines.push_back(fmt::format(
      "warning: {} transcript{} cannot be what is said, by the rate of speech: {}{}; correct them "
      "or leave them out",
      odd.size(), odd.size() == 1 ? "" : "s",
      fmt::join(odd.begin(), odd.begin() + static_cast<std::ptrdiff_t>(named), ", "),
      odd.size() > named ? fmt::format(" and {} more", odd.size() - named) : ""));
}

void add_dominating_speaker(const DataFacts& facts, std::vector<std::string>& lines) {
  if (facts.speakers.size() < 2) return;
  for (const auto& [name, duration_s] : facts.speakers) {
    const double share = duration_s / (60 * facts.minutes());
    if (share <= kDominating) continue;
    lines.push_back(fmt::format(
        "warning: {:.0f} % of the speech is {}'s: the others' voices will hardly be learnt",
        100 * share, name));
  }
}

void add_facts(const dataset::TextData& speaker, DataFacts& facts) {
  std::vector<dataset::SpokenText> texts;
  for (const dataset::Sentence& sentence : speaker.sentences)
    texts.push_back({sentence.texts.front(), duration_s(sentence)});
  DataFacts::Speaker sum{speaker.name};
  for (const dataset::SpokenText& text : texts) sum.duration_s += text.duration_s;
  facts.speakers.push_back(sum);
  for (const size_t i : dataset::odd_rates(texts)) {
    facts.odd_transcripts.push_back(fmt::format("{} ({}, {:.1f} s)",
                                                quoted(speaker.sentences[i].texts.front()),
                                                speaker.name, texts[i].duration_s));
  }
}

}  // namespace

double DataFacts::minutes() const {
  double sum_s = 0;
  for (const Speaker& speaker : speakers) sum_s += speaker.duration_s;
  return sum_s / 60;
}

DataFacts facts_of(const std::vector<dataset::EpochDataset>& data) {
  DataFacts facts;
  for (const dataset::EpochDataset& dataset : data) {
    for (const dataset::TextData& speaker : dataset.groups) add_facts(speaker, facts);
  }
  return facts;
}

Advice suggest(const dataset::EpochSummary& summary, double minutes, int64_t world_size) {
  const int64_t a_step = std::clamp<int64_t>(summary.tokens / 64, 1024, 8192);
  Advice advice;
  const int64_t longest = std::max<int64_t>(summary.longest_tokens, 512);
  advice.max_length =
      std::max<int64_t>(static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(longest))), 1024);
  const int64_t rows = std::max<int64_t>(
      std::llround(static_cast<double>(a_step) / static_cast<double>(advice.max_length)), 1);
  const int64_t a_rank = (rows + world_size - 1) / world_size;
  advice.accumulate_batches = (a_rank + 3) / 4;
  advice.batch_size = (a_rank + advice.accumulate_batches - 1) / advice.accumulate_batches;
  const double step_tokens = static_cast<double>(advice.max_length * advice.batch_size *
                                                 advice.accumulate_batches * world_size);
  const double steps = static_cast<double>(passes(minutes) * summary.tokens) / step_tokens;
  advice.max_steps = 50 * std::llround(std::clamp(steps, 200.0, 5000.0) / 50);
  return advice;
}

std::vector<std::string> advise(const DataFacts& facts, const dataset::EpochSummary& summary,
                                const Settings& settings, int64_t world_size) {
  const double minutes = facts.minutes();
  const Advice advice = suggest(summary, minutes, world_size);
  const double epochs = epochs_of(settings, summary, world_size);

  std::vector<std::string> lines;
  lines.push_back(fmt::format(
      "advice for {:.1f} minutes: {} (a rule of thumb); these settings go {:.1f} times through the "
      "data in {} step{}",
      minutes, overrides(advice, summary, settings), epochs, settings.max_steps,
      settings.max_steps == 1 ? "" : "s"));
  if (minutes < kFewMinutes) {
    lines.push_back(fmt::format(
        "warning: {:.1f} minutes are little: under {:.0f} minutes a voice is learnt badly and "
        "over-fits soon",
        minutes, kFewMinutes));
  }
  if (summary.cut_sentences > 0) {
    lines.push_back(fmt::format(
        "warning: {} sentence{} longer than max_length ({} tokens, up to {}): the end is cut off; "
        "slice the recordings or raise max_length",
        summary.cut_sentences, summary.cut_sentences == 1 ? "" : "s", settings.max_length,
        summary.longest_tokens));
  }
  add_dominating_speaker(facts, lines);
  add_odd_transcripts(facts.odd_transcripts, lines);
  if (settings.patience == 0 && epochs > kOften * static_cast<double>(passes(minutes))) {
    lines.push_back(
        "warning: so many times through the data over-fit; trainer.early_stopping.patience=3 ends "
        "the run in time");
  }
  return lines;
}

}  // namespace koi::train
