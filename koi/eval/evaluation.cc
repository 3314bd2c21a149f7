#include "koi/eval/evaluation.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "koi/base/error.h"
#include "koi/base/folder_lock.h"
#include "koi/base/hash.h"
#include "koi/eval/embedding.h"
#include "koi/text/normalize.h"

namespace koi::eval {
namespace {

namespace fs = base::fs;

// Answers by row and result, as the rows have them.
using Answers = std::vector<std::vector<std::string>>;

// The command, and the contents of the files that its words name: another script, another answer.
std::string identity_of(const Program& program) {
  constexpr uint64_t kMostBytes = uint64_t{16} << 20;
  std::string identity = program.command + '\n';
  std::istringstream words(program.command);
  for (std::string word; words >> word;) {
    std::erase(word, '\'');
    std::error_code failed;
    if (!fs::is_regular_file(word, failed) || fs::file_size(word, failed) > kMostBytes) continue;
    identity += base::sha256_hex(base::read_file(word)) + '\n';
  }
  return identity;
}

std::string hash_of_texts(const std::vector<Sentence>& sentences) {
  std::set<std::string> texts;
  for (const Sentence& sentence : sentences) texts.insert(sentence.text);
  std::string all;
  for (const std::string& text : texts) all += text + '\n';
  return base::sha256_hex(all);
}

// Recognisers know words, not figures.
std::string said(const std::string& text) {
  return text::read_numbers(text, text::NumberReading::by_script);
}

// By which the programs know a take.
std::string name_of(const Evaluation& evaluation, size_t row, size_t i) {
  const Row& spoken = evaluation.rows[row];
  return spoken.voice + '/' + evaluation.sentences[spoken.results[i].take.sentence].name;
}

class Inquiry {
 public:
  Inquiry(const Settings& settings, const Evaluation& evaluation, const Events& events, Kept& kept)
      : settings_(settings),
        evaluation_(evaluation),
        events_(events),
        kept_(kept),
        texts_(hash_of_texts(evaluation.sentences)) {}

  // What the program says of every take that has sound.
  Answers ask(const Program& program) const {
    const std::string about = "answer\n" + identity_of(program) + texts_ + '\n';
    Answers answers;
    std::vector<Request> requests;
    std::vector<std::pair<size_t, size_t>> places;  // row and result of each
    size_t asked = 0;
    for (size_t row = 0; row < evaluation_.rows.size(); ++row) {
      const auto& results = evaluation_.rows[row].results;
      answers.emplace_back(results.size());
      for (size_t i = 0; i < results.size(); ++i) {
        const Take& take = results[i].take;
        Request request{name_of(evaluation_, row, i), take.wav, said(text_of(take))};
        if (const auto before = kept_.find(about + key_of(take))) {
          answers[row][i] = *before;
          request.wav.clear();
        }
        asked += request.wav.empty() ? 0 : 1;
        requests.push_back(std::move(request));
        places.emplace_back(row, i);
      }
    }
    if (asked == 0) return answers;
    events_.on_start(program, asked);
    eval::ask(program, requests,
              {.idle_s = settings_.idle_s, .log = settings_.output / (program.name + ".log")},
              [&](size_t request, std::string answer) {
                const auto [row, i] = places[request];
                kept_.keep(about + key_of(evaluation_.rows[row].results[i].take), answer);
                answers[row][i] = std::move(answer);
                events_.on_answer();
              });
    return answers;
  }

 private:
  const std::string& text_of(const Take& take) const {
    return evaluation_.sentences[take.sentence].text;
  }
  std::string key_of(const Take& take) const { return take.hash + '\n' + text_of(take); }

  const Settings& settings_;
  const Evaluation& evaluation_;
  const Events& events_;
  Kept& kept_;
  std::string texts_;
};

void add_heard(Evaluation& evaluation, const Answers& answers) {
  for (size_t row = 0; row < answers.size(); ++row) {
    for (size_t i = 0; i < answers[row].size(); ++i) {
      Result& result = evaluation.rows[row].results[i];
      const std::string& text = evaluation.sentences[result.take.sentence].text;
      result.heard.push_back({answers[row][i], count_errors(text, answers[row][i])});
    }
  }
}

void add_likeness(Evaluation& evaluation, const Answers& answers) {
  std::vector<std::vector<std::optional<Embedding>>> embeddings(answers.size());
  Speaker speaker;
  for (size_t row = 0; row < answers.size(); ++row) {
    for (size_t i = 0; i < answers[row].size(); ++i) {
      auto embedding = parse_embedding(answers[row][i], *evaluation.embedder + ": its answer for " +
                                                            name_of(evaluation, row, i));
      if (embedding && evaluation.rows[row].kind == Voice::Kind::originals) speaker.add(*embedding);
      embeddings[row].push_back(std::move(embedding));
    }
  }
  for (size_t row = 0; row < answers.size(); ++row) {
    const bool is_speaker = evaluation.rows[row].kind == Voice::Kind::originals;
    for (size_t i = 0; i < answers[row].size(); ++i) {
      const auto& embedding = embeddings[row][i];
      if (!embedding) continue;
      evaluation.rows[row].results[i].likeness =
          is_speaker ? speaker.likeness_to_others(*embedding) : speaker.likeness(*embedding);
    }
  }
}

// Of each sentence's recording; 0 where there is none.
std::vector<double> recorded_seconds(const Evaluation& evaluation) {
  std::vector<double> seconds(evaluation.sentences.size());
  for (const Row& row : evaluation.rows) {
    if (row.kind != Voice::Kind::originals) continue;
    for (const Result& result : row.results) seconds[result.take.sentence] = result.take.duration_s;
  }
  return seconds;
}

void check_unique(const std::vector<std::string>& names, const std::string& what) {
  std::set<std::string> seen;
  for (const std::string& name : names) {
    check_name(name, what);
    if (!seen.insert(name).second) {
      throw Error(ErrorKind::usage, what, "the name " + name + " comes twice",
                  "name them apart: OTHER=...");
    }
  }
}

void check(const Settings& settings, const std::vector<Voice>& voices) {
  if (voices.empty()) {
    throw Error(ErrorKind::usage, "eval", "there is nothing to evaluate",
                "give checkpoints, or recordings of the sentences");
  }
  if (settings.output.string().find_first_of("\t\r\n") != std::string::npos) {
    throw Error(ErrorKind::usage, settings.output.string(),
                "has a tab or a line end in its name, which no program could be told",
                "give another folder");
  }
  std::vector<std::string> names;
  for (const Voice& voice : voices) names.push_back(voice.name);
  check_unique(names, "checkpoint");
  std::set<std::string> own_files{"kept.jsonl", "report.html", "report.json"};
  names.clear();
  for (const Program& program : settings.recognizers) names.push_back(program.name);
  if (settings.embedder) names.push_back(settings.embedder->name);
  check_unique(names, "recognizer");
  for (const std::string& name : names) own_files.insert(name + ".log");
  for (const Voice& voice : voices) {
    if (own_files.contains(voice.name))
      throw Error(ErrorKind::usage, "checkpoint " + voice.name,
                  "is the name of a file of koi eval's own", "give it another one: NAME=FOLDER");
  }
  const bool recorded = std::any_of(voices.begin(), voices.end(), [](const Voice& voice) {
    return voice.kind == Voice::Kind::originals;
  });
  if (settings.embedder && !recorded) {
    throw Error(ErrorKind::usage, "--speaker", "there are no recordings to be like",
                "give the folder of the sentences' recordings (--recordings)");
  }
}

}  // namespace

Evaluation evaluate(const Settings& settings, std::vector<Sentence> sentences,
                    const std::vector<Voice>& voices, const Events& events) {
  check(settings, voices);
  base::make_folder(settings.output);
  base::FolderLock lock;
  if (!lock.try_lock(settings.output)) {
    throw Error(ErrorKind::io, settings.output.string(), "another koi eval is at work in it",
                "wait for its end, or give another folder");
  }
  Kept kept(settings.output / "kept.jsonl");
  Evaluation evaluation{
      .sentences = std::move(sentences), .recognizers = {}, .embedder = {}, .rows = {}};
  for (const Voice& voice : voices) {
    Row row{.voice = voice.name, .kind = voice.kind, .results = {}};
    for (Take& take : make_takes(voice, evaluation.sentences, settings.output / voice.name, kept,
                                 [&](const Take& done) { events.on_take(voice, done); }))
      row.results.push_back({.take = std::move(take), .heard = {}});
    evaluation.rows.push_back(std::move(row));
  }
  // Only now: a recogniser is started once for all.
  const Inquiry inquiry(settings, evaluation, events, kept);
  std::vector<Answers> heard;
  for (const Program& program : settings.recognizers) heard.push_back(inquiry.ask(program));
  std::optional<Answers> embeddings;
  if (settings.embedder) embeddings = inquiry.ask(*settings.embedder);

  for (const Program& program : settings.recognizers)
    evaluation.recognizers.push_back(program.name);
  for (const Answers& answers : heard) add_heard(evaluation, answers);
  if (embeddings) {
    evaluation.embedder = settings.embedder->name;
    add_likeness(evaluation, *embeddings);
  }
  const std::vector<double> recorded_s = recorded_seconds(evaluation);
  for (Row& row : evaluation.rows) row.totals = sum_up(row.results, recorded_s);
  put_in_order(evaluation.rows);
  return evaluation;
}

}  // namespace koi::eval
