#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
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

std::string json_of(const dataset::ImportReport& report, const std::string& output,
                    const std::vector<dataset::LeftOut>& left_out) {
  nlohmann::ordered_json problems = nlohmann::ordered_json::array();
  for (const dataset::LeftOut& bad : left_out)
    problems.push_back({{"path", bad.where}, {"message", bad.reason}});
  const nlohmann::ordered_json object = {{"output", output},
                                         {"done", report.done},
                                         {"skipped", report.skipped},
                                         {"failed", problems.size()},
                                         {"speakers", report.speakers},
                                         {"languages", report.languages},
                                         {"interrupted", report.interrupted},
                                         {"problems", problems}};
  // A file name need not be UTF-8.
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string text_of(const dataset::ImportReport& report, const std::string& output,
                    size_t left_out) {
  std::string line = fmt::format("{} imported, {} were there already, {} left out; {} speakers",
                                 report.done, report.skipped, left_out, report.speakers.size());
  for (const auto& [language, count] : report.languages)
    line += fmt::format("; language {}: {}", printable(language), count);
  return line + "; folder: " + printable(output);
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
  dataset::ImportReport report;
  {
    base::Progress progress("import", "files", entries.size());
    report = dataset::import_corpus(
        entries, flags.output, flags.options, open_recording,
        [&](const dataset::LeftOut& bad) {
          progress.print_line("koi: left out: " + bad.reason);
          left_out.push_back(bad);
        },
        [&progress] { progress.advance(); });
  }
  const std::string text = flags.json ? json_of(report, flags.output, left_out)
                                      : text_of(report, flags.output, left_out.size());
  std::printf("%s\n", text.c_str());
  if (report.interrupted) {
    return report_interrupted(
        fmt::format("{} of {} files are done; the same command goes on from here",
                    report.done + report.skipped, entries.size()));
  }
  return left_out.empty() ? 0 : 1;
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
