#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>

#include "cli/commands.h"
#include "cli/data_report.h"
#include "cli/flags.h"
#include "koi/audio/recording_parts.h"
#include "koi/base/error.h"
#include "koi/base/progress.h"
#include "koi/dataset/import_corpus.h"

namespace koi::cli {
namespace {

namespace fs = base::fs;
using dataset::CorpusKind;

const std::map<std::string, CorpusKind>& kinds() {
  static const std::map<std::string, CorpusKind> names{{"list", CorpusKind::file_list},
                                                       {"ljspeech", CorpusKind::ljspeech},
                                                       {"common-voice", CorpusKind::common_voice},
                                                       {"kaldi", CorpusKind::kaldi}};
  return names;
}

struct Flags {
  std::string source;
  std::string output;
  std::string format = "auto";
  std::string speaker;
  dataset::ImportOptions options;
  bool json = false;
};

// The name of the corpus' folder, for utterances that name no speaker.
std::string default_speaker(const fs::path& source) {
  fs::path folder = fs::absolute(source).lexically_normal();
  if (!fs::is_directory(folder)) folder = folder.parent_path();
  if (!folder.has_filename()) folder = folder.parent_path();  // ended in a slash
  return folder.filename().string();
}

dataset::WritePart open_recording(const fs::path& path) {
  const auto parts = std::make_shared<audio::RecordingParts>(path);
  return [parts](const dataset::Part& part, const fs::path& to) {
    parts->write(part.begin_s, part.end_s, to);
  };
}

DataReport report_of(const dataset::ImportReport& imported,
                     const std::vector<dataset::LeftOut>& left_out, const std::string& output) {
  DataReport report{
      .command = "import", .folder = output, .done = imported.done, .skipped = imported.skipped};
  for (const dataset::LeftOut& bad : left_out) report.failures.push_back({bad.where, bad.reason});
  report.words.push_back(fmt::format("speakers: {}", imported.speakers.size()));
  for (const auto& [language, count] : imported.languages)
    report.words.push_back(fmt::format("language {}: {}", printable(language), count));
  report.facts = {{"speakers", imported.speakers}, {"languages", imported.languages}};
  return report;
}

// Leaves out what no other command would take for a recording, once it has its name here.
void keep_recordings(std::vector<dataset::CorpusEntry>& entries,
                     const dataset::LeftOutSink& left_out) {
  std::erase_if(entries, [&](const dataset::CorpusEntry& entry) {
    if (entry.part || audio::is_audio_path(entry.recording)) return false;
    const Error error(ErrorKind::unsupported, entry.where,
                      entry.recording.filename().string() + " is not called like a recording",
                      "let it end in one of " + audio::audio_extensions());
    left_out({entry.where, error.what()});
    return true;
  });
}

int run(const Flags& flags) {
  const auto kind = kinds().find(flags.format);
  std::vector<dataset::LeftOut> left_out;
  const auto note_line = [&left_out](const dataset::LeftOut& bad) {
    std::fprintf(stderr, "koi: left out: %s\n", bad.reason.c_str());
    left_out.push_back(bad);
  };
  std::vector<dataset::CorpusEntry> entries = dataset::read_corpus(
      flags.source, kind == kinds().end() ? dataset::detect_corpus(flags.source) : kind->second,
      flags.speaker.empty() ? default_speaker(flags.source) : flags.speaker, note_line);
  keep_recordings(entries, note_line);
  if (entries.empty()) {
    throw Error(ErrorKind::corrupt, flags.source,
                "holds no utterance, " + std::to_string(left_out.size()) + " were left out",
                "see --format");
  }
  dataset::ImportReport imported;
  {
    base::Progress progress("import", "files", entries.size());
    imported = dataset::import_corpus(
        entries, flags.output, flags.options, open_recording,
        [&](const dataset::LeftOut& bad) {
          progress.print_line("koi: left out: " + bad.reason);
          left_out.push_back(bad);
        },
        [&progress] { progress.advance(); });
  }
  DataReport report = report_of(imported, left_out, flags.output);
  if (imported.interrupted) {
    report.interrupted = fmt::format("{} of {} files are done; the same command goes on from here",
                                     imported.done + imported.skipped, entries.size());
  }
  return finish(report, flags.json);
}

}  // namespace

void add_import(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = add_command(
      app, "import", "Bring a corpus in another layout into a folder of recordings and .lab files",
      "  koi import filelists/train.list data-raw   lines path|speaker|language|text\n"
      "  koi import LJSpeech-1.1 data-raw           metadata.csv, wavs/\n"
      "  koi import cv-corpus/ko data-raw           validated.tsv, clips/ (or another .tsv)\n"
      "  koi import kaldi/data/train data-raw       wav.scp, text, segments, utt2spk\n"
      "Writes OUT/SPEAKER/NAME.wav and NAME.lab. Lines that cannot be used are named by file and\n"
      "number and left out, and the status is 1. A second run goes on where the first stopped.",
      [flags] { return run(*flags); });
  command->add_option("SOURCE", flags->source, "the corpus: a folder, or its main file")
      ->required();
  command->add_option("OUT", flags->output, "folder for the results")->required();
  command->add_option("--format", flags->format, "auto, list, ljspeech, common-voice or kaldi")
      ->check(CLI::IsMember({"auto", "list", "ljspeech", "common-voice", "kaldi"}))
      ->capture_default_str();
  command->add_option("--speaker", flags->speaker,
                      "of utterances that name none (the corpus' folder)");
  add_switch(command, "copy", flags->options.copy, "copy recordings instead of linking them");
  add_switch(command, "overwrite", flags->options.overwrite, "do again what OUT holds already");
  command->add_option("--num-workers", flags->options.num_workers, "threads, at most the cores")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "print the summary as JSON");
}

}  // namespace koi::cli
