// koi tokenizer-train: texts -> a tokenizer of the published make.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/normalize_flag.h"
#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/progress.h"
#include "koi/dataset/text_corpus.h"
#include "koi/text/bpe_trainer.h"

namespace koi::cli {
namespace {

constexpr char kExamples[] =
    "  koi tokenizer-train data --output tokenizer.json\n"
    "  koi tokenizer-train novel.txt data/alice --vocab-size 1024 --output my/tokenizer.json\n"
    "  koi init checkpoints/mine --tokenizer tokenizer.json       a model for it\n"
    "Of a .lab file all is one text, of other files each line is one; of folders all .txt and "
    ".lab\n"
    "files are read. Texts are cleaned as training cleans them. The same texts give the same\n"
    "tokenizer, in whatever order they are given.\n";

struct Flags {
  std::vector<std::string> texts;
  std::string output;
  text::BpeOptions options;
  text::NumberReading numbers = text::NumberReading::none;
  bool json = false;
};

struct Corpus {
  text::WordCounts words;
  size_t files = 0;
  uint64_t texts = 0;
  uint64_t bytes = 0;  // of the cleaned texts
};

void stop_if_asked() {
  if (!base::stop_requested()) return;
  throw base::Interrupted("tokenizer-train", "nothing is written", "the same command begins anew");
}

Corpus read_corpus(const Flags& flags) {
  const dataset::TextFiles files =
      dataset::find_text_files({flags.texts.begin(), flags.texts.end()});
  std::error_code error;
  for (const base::fs::path& path : files.paths) {
    if (base::fs::equivalent(path, flags.output, error))
      throw Error(ErrorKind::usage, "--output " + flags.output, "is one of the texts",
                  "name another file");
  }
  Corpus corpus;
  corpus.files = files.paths.size();
  base::Progress progress("tokenizer-train", "bytes", files.bytes);
  for (const base::fs::path& path : files.paths) {
    dataset::read_texts(path, flags.numbers, [&](const std::string& text) {
      stop_if_asked();
      corpus.words.add(text);
      ++corpus.texts;
      corpus.bytes += text.size();
      progress.advance(text.size());
    });
    stop_if_asked();
  }
  progress.advance(files.bytes - std::min(files.bytes, corpus.bytes));  // what cleaning removed
  if (corpus.texts == 0)
    throw Error(ErrorKind::corrupt, flags.texts.front(), "holds no words", "give other texts");
  return corpus;
}

text::LearntMerges learn(const Flags& flags, const text::WordCounts& words) {
  base::Progress progress("tokenizer-train", "tokens",
                          static_cast<uint64_t>(flags.options.vocab_size));
  int64_t shown = 0;
  return text::learn_merges(words, flags.options, [&](int64_t vocab_size) {
    stop_if_asked();
    progress.advance(static_cast<uint64_t>(vocab_size - shown));
    shown = vocab_size;
  });
}

int run(const Flags& flags) {
  text::check_bpe_options(flags.options);
  const Corpus corpus = read_corpus(flags);
  const text::LearntMerges learnt = learn(flags, corpus.words);
  const base::fs::path output = flags.output;
  if (output.has_parent_path()) base::make_folder(output.parent_path());
  base::write_file(output, text::byte_tokenizer_json(learnt.merges));
  if (learnt.vocab_size < flags.options.vocab_size) {
    std::fprintf(stderr,
                 "koi: warning: no pair of tokens stands %lld times in the texts any more: the "
                 "vocabulary has %lld entries instead of %lld; more texts make it larger\n",
                 static_cast<long long>(flags.options.min_count),
                 static_cast<long long>(learnt.vocab_size),
                 static_cast<long long>(flags.options.vocab_size));
  }
  if (flags.json) {
    const nlohmann::ordered_json object = {
        {"output", flags.output},         {"vocab_size", learnt.vocab_size},
        {"merges", learnt.merges.size()}, {"files", corpus.files},
        {"texts", corpus.texts},          {"words", corpus.words.total()},
        {"bytes", corpus.bytes},          {"tokens", learnt.tokens}};
    std::printf("%s\n",
                object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return 0;
  }
  const std::string line = fmt::format(
      "{}: {} entries, {} of them merges; {} texts in {} files take {} tokens, {:.2f} bytes each",
      printable(flags.output), learnt.vocab_size, learnt.merges.size(), corpus.texts, corpus.files,
      learnt.tokens, static_cast<double>(corpus.bytes) / static_cast<double>(learnt.tokens));
  std::printf("%s\n", line.c_str());
  return 0;
}

}  // namespace

void add_tokenizer_train(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command =
      add_command(app, "tokenizer-train", "Learn a tokenizer from texts, for a model from nothing",
                  kExamples, [flags] { return run(*flags); });
  command->add_option("TEXTS", flags->texts, "text files, and folders of them")->required();
  command->add_option("--output", flags->output, "the tokenizer.json to write")->required();
  command
      ->add_option("--vocab-size", flags->options.vocab_size,
                   "entries at most, with 9 special tokens and 256 bytes")
      ->capture_default_str();
  command
      ->add_option("--min-count", flags->options.min_count,
                   "a pair of tokens that is rarer becomes no token of its own")
      ->capture_default_str();
  add_normalize(command, flags->numbers);
  command->add_flag("--json", flags->json, "print the summary as JSON");
}

}  // namespace koi::cli
