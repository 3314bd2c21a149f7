// koi eval: which checkpoint speaks best.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>

#include "cli/commands.h"
#include "cli/eval_programs.h"
#include "cli/eval_voices.h"
#include "cli/flags.h"
#include "koi/base/error.h"
#include "koi/checkpoint/codec_file.h"
#include "koi/eval/report.h"

namespace koi::cli {
namespace {

namespace fs = base::fs;

constexpr char kExamples[] =
    "  koi eval base=checkpoints/fish-speech-1.4 tuned=results/alice/merged --sentences test.tsv "
    "\\\n"
    "    --recordings data/test --recognizer whisper --speaker resemblyzer -o results/eval\n"
    "  koi eval base base+alice.ckpt --sentences data/test          a folder of .wav and .lab\n"
    "  koi eval --codec-path codec.pth --sentences data/test --recognizer whisper\n"
    "  koi eval my/checkpoint --sentences test.tsv --recognizer 'mine=python3 hear.py --lang ko'\n"
    "A checkpoint is [NAME=]FOLDER[+ADAPTER[:WEIGHT]...]. The sentences are lines NAME<tab>TEXT of "
    "a\n"
    "file, or a folder's .lab; recordings are called like them. What is there of an earlier run "
    "is\n"
    "not made again. Recognisers: docs/en/commands.md; scripts/setup --eval gets three.\n";

struct Flags {
  std::vector<std::string> checkpoints;
  std::string sentences;
  std::string recordings;
  std::vector<std::string> recognizers;
  std::string speaker;
  std::string codec;
  std::string output = "results/eval";
  unsigned timeout_s = eval::Settings{}.idle_s;
  bool json = false;
  SpeechFlags speech;
};

bool has_recordings(const std::vector<eval::Sentence>& sentences) {
  return std::any_of(sentences.begin(), sentences.end(),
                     [](const eval::Sentence& sentence) { return !sentence.recording.empty(); });
}

// The recordings themselves, and by each codec that speaks.
void add_yardsticks(const Flags& flags, const std::vector<VoiceWords>& checkpoints,
                    std::vector<eval::Voice>& voices) {
  voices.push_back(eval::originals());
  if (!flags.codec.empty()) {
    voices.push_back(codec_voice("codec", flags.codec, flags.speech));
    return;
  }
  std::set<std::string> seen;
  for (const VoiceWords& words : checkpoints) {
    const std::string name = seen.empty() ? "codec" : "codec-" + words.name;
    eval::Voice voice = codec_voice(name, checkpoint::find_codec(words.checkpoint), flags.speech);
    if (seen.insert(voice.identity).second) voices.push_back(std::move(voice));
  }
}

// Likeness and durations are of those alone that have one.
void tell_missing_recordings(const std::vector<eval::Sentence>& sentences) {
  const auto missing = [](const eval::Sentence& sentence) { return sentence.recording.empty(); };
  const auto first = std::find_if(sentences.begin(), sentences.end(), missing);
  if (first == sentences.end() || !has_recordings(sentences)) return;
  std::fprintf(stderr, "koi: note: %td of %zu sentences have no recording, %s first\n",
               std::count_if(first, sentences.end(), missing), sentences.size(),
               printable(first->name).c_str());
}

// A line of progress for each voice and for each program.
class Course {
 public:
  explicit Course(const std::vector<eval::Sentence>& sentences) : sentences_(sentences) {}

  eval::Events events() {
    return {.on_take = [this](const eval::Voice& voice,
                              const eval::Take& take) { take_done(voice, take); },
            .on_start = [this](const eval::Program& program,
                               size_t asked) { progress_.emplace(program.name, "answers", asked); },
            .on_answer = [this] { progress_->advance(); }};
  }

 private:
  void take_done(const eval::Voice& voice, const eval::Take& take) {
    if (voice_ != voice.name) {
      voice_ = voice.name;
      const auto count = std::count_if(
          sentences_.begin(), sentences_.end(), [&voice](const eval::Sentence& sentence) {
            return !voice.takes_recordings() || !sentence.recording.empty();
          });
      progress_.emplace(voice.name, "sentences", static_cast<uint64_t>(count));
    }
    const std::string& name = sentences_[take.sentence].name;
    if (!take.failure.empty()) {
      progress_->print_line("koi: warning: " + printable(voice.name + '/' + name) +
                            " has no sound: " + printable(take.failure));
    }
    progress_->advance();
  }

  const std::vector<eval::Sentence>& sentences_;
  std::string voice_;
  std::optional<base::Progress> progress_;
};

std::string share(double value) { return fmt::format("{:.1f} %", 100 * value); }

void print_table(const eval::Evaluation& evaluation) {
  std::string head = fmt::format("{:<16} {:>6}", "", "score");
  for (const std::string& name : evaluation.recognizers)
    head += fmt::format(" {:>14} {:>7}", name + " WER", "CER");
  fmt::print("{} {:>8} {:>8} {:>8} {:>8} {:>7} {:>9}\n", head, "likeness", "duration", "silence",
             "clipped", "failed", "at limit");
  const auto number = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.3f}", *value) : std::string("-");
  };
  for (const eval::Row& row : evaluation.rows) {
    const eval::Totals& totals = row.totals;
    std::string line = fmt::format("{:<16} {:>6.3f}", row.voice, totals.score);
    for (const eval::TextErrors& errors : totals.errors)
      line +=
          fmt::format(" {:>14} {:>7}", share(errors.words.rate()), share(errors.characters.rate()));
    fmt::print("{} {:>8} {:>8} {:>8} {:>8} {:>7} {:>9}\n", line, number(totals.likeness),
               number(totals.duration_ratio), share(totals.silent_share),
               share(totals.clipped_share), totals.failed, totals.reached_limit);
  }
}

int run(const Flags& flags) {
  if (flags.sentences.empty()) {
    throw Error(ErrorKind::usage, "--sentences", "is missing",
                "give a file of lines NAME<tab>TEXT, or a folder of .lab");
  }
  const std::vector<eval::Sentence> sentences =
      eval::read_sentences(flags.sentences, flags.recordings);
  tell_missing_recordings(sentences);
  eval::Settings settings{.output = flags.output, .idle_s = flags.timeout_s};
  for (const std::string& text : flags.recognizers)
    settings.recognizers.push_back(parse_program("--recognizer", text));
  if (!flags.speaker.empty()) settings.embedder = parse_program("--speaker", flags.speaker);

  std::vector<VoiceWords> checkpoints;
  for (const std::string& text : flags.checkpoints) checkpoints.push_back(parse_voice(text));
  std::vector<eval::Voice> voices;
  for (const VoiceWords& words : checkpoints)
    voices.push_back(checkpoint_voice(words, flags.speech, flags.codec));
  if (has_recordings(sentences)) add_yardsticks(flags, checkpoints, voices);
  if (flags.recognizers.empty() || flags.speaker.empty()) {
    std::fprintf(stderr,
                 "koi: note: without --recognizer and --speaker nobody hears what is said, or by "
                 "whom; scripts/setup --eval gets whisper, sphinx and resemblyzer\n");
  }
  const eval::Evaluation evaluation =
      eval::evaluate(settings, sentences, voices, Course(sentences).events());
  const std::string json = eval::to_json(evaluation, flags.output);
  base::write_file(settings.output / "report.json", json + '\n');
  base::write_file(settings.output / "report.html", eval::to_html(evaluation, flags.output));
  if (flags.json) {
    std::puts(json.c_str());
  } else {
    print_table(evaluation);
    fmt::print("{}\n", printable((settings.output / "report.html").string()));
  }
  return 0;
}

}  // namespace

void add_eval(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = add_command(app, "eval", "Checkpoints -> how well and how like they speak",
                                  kExamples, [flags] { return run(*flags); });
  command->add_option("checkpoints", flags->checkpoints, "[NAME=]FOLDER[+ADAPTER[:WEIGHT]...]");
  command->add_option("--sentences", flags->sentences,
                      "lines NAME<tab>TEXT, or a folder of .lab and recordings");
  command->add_option("--recordings", flags->recordings,
                      "folder of the sentences' recordings, NAME.wav; those beside .lab otherwise");
  command->add_option("--recognizer", flags->recognizers,
                      "who hears: whisper, sphinx or NAME=COMMAND (several)");
  command->add_option("--speaker", flags->speaker, "who knows voices: resemblyzer or NAME=COMMAND");
  command
      ->add_option("--timeout", flags->timeout_s,
                   "seconds that these may take for an answer, their loading too")
      ->check(CLI::Range(1U, 86400U))
      ->capture_default_str();
  command->add_option("--codec-path", flags->codec,
                      "the codec's .pth; by default the one in each checkpoint folder");
  command->add_option("-o,--output", flags->output, "folder of the report and of all sound")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "report as JSON");
  flags->speech.add_shared_to(command);
}

}  // namespace koi::cli
