// The texts that a tokenizer is trained on, cleaned as those that a model is trained on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "koi/base/files.h"
#include "koi/text/normalize.h"

namespace koi::dataset {

struct TextFiles {
  std::vector<base::fs::path> paths;  // each file once
  uint64_t bytes = 0;                 // of all
};

// Of each input: a file itself, of a folder the .txt and .lab files in it and below. Throws
// Error(not_found) for a missing input and where there is no file at all, Error(io).
TextFiles find_text_files(const std::vector<base::fs::path>& inputs);

// Calls `on_text` with each text of a file: the whole of a .lab, each line of another file. They
// are cleaned as build-dataset (tidy_transcript, text::read_numbers) and then training
// (text::clean_text) do it; what is empty then is no text. Throws as read_file does (a file over
// 256 MiB is refused), and Error(corrupt) naming file and line for what is no UTF-8.
void read_texts(const base::fs::path& file, text::NumberReading numbers,
                const std::function<void(const std::string& text)>& on_text);

}  // namespace koi::dataset
