// Kaldi's data folders. Internal to koi/dataset: read_corpus() takes them there.
#pragma once

#include <string>
#include <vector>

#include "koi/dataset/corpus.h"

namespace koi::dataset {

// As read_corpus(). Utterances stand in the order of `text`; those that another file names, but
// `text` does not, are left out by name.
std::vector<CorpusEntry> read_kaldi(const base::fs::path& folder, const std::string& speaker,
                                    const LeftOutSink& left_out);

}  // namespace koi::dataset
