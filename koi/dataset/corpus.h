// Corpora in the layouts that other programs publish them in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "koi/dataset/file_list.h"

namespace koi::dataset {

enum class CorpusKind {
  file_list,     // lines path|speaker|language|text (VITS and its kin)
  ljspeech,      // metadata.csv: lines id|text|normalized text; wavs/id.wav
  common_voice,  // a .tsv with a header line; clips/*.mp3
  kaldi,         // a folder with wav.scp and text; segments and utt2spk where they are there
};

// A part of a recording, in seconds.
struct Part {
  double begin_s;
  double end_s;
};

// One utterance.
struct CorpusEntry {
  std::string where;  // that names it: "x.list, line 3"
  base::fs::path recording;
  std::optional<Part> part{};  // of the recording; nothing: all of it
  std::string name;            // of its own: the file's, without extension, or the utterance's
  std::string speaker;
  std::string language;  // a tag, as it stands there; may be empty
  std::string text;      // not empty; ends stripped, else as it stands there
};

// By what is there: a folder with wav.scp is Kaldi's, one with metadata.csv LJSpeech's, one with
// validated.tsv Common Voice's; a file by its name, any other one is a file list. Throws
// Error(not_found) where there is nothing or nothing known.
CorpusKind detect_corpus(const base::fs::path& source);

// The utterances in their order. `source` is the folder or its main file. Paths of recordings count
// from the working folder or from that of the file that names them. `speaker` is that of utterances
// that name none (all of LJSpeech's, those that are missing in utt2spk). What is damaged, names no
// recording or has no words goes to `left_out`, each with file and line. Of LJSpeech's two texts
// the normalized one, which says what is spoken, is taken where it is there. Commands in wav.scp
// are never run. Throws Error(not_found) and Error(corrupt) where the files themselves cannot be
// read.
std::vector<CorpusEntry> read_corpus(const base::fs::path& source, CorpusKind kind,
                                     const std::string& speaker, const LeftOutSink& left_out);

}  // namespace koi::dataset
