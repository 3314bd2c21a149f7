#include "koi/dataset/pack_entry.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/parallel.h"
#include "koi/checkpoint/elements.h"
#include "koi/checkpoint/npy.h"
#include "koi/dataset/alignment.h"
#include "koi/dataset/shard.h"
#include "koi/text/clean.h"

namespace koi::dataset {
namespace {

namespace fs = base::fs;

// Codes as a record stores them: uint32, where checkpoint::read_codes stops at 2^31 - 1.
CodeRows read_code_rows(const fs::path& path, TextRules rules) {
  const std::string where = path.string();
  const checkpoint::TensorView array = checkpoint::read_npy(path);
  const auto refuse = [&](const std::string& what) {
    throw Error(
        ErrorKind::corrupt, where, what,
        "codes are whole numbers from 0 in a [codebooks, frames] array; run koi extract-vq");
  };
  constexpr int64_t kMaxCodebooks = 1024;  // a [10^9, 0] array is small as a file
  if (array.shape.size() != 2 || array.shape[0] > kMaxCodebooks)
    refuse("has the shape " + checkpoint::shape_text(array.shape));
  if (array.dtype == checkpoint::DType::boolean) refuse("holds truth values");
  if (rules == TextRules::repaired && array.numel() == 0) refuse("holds no frames");
  const auto frames = static_cast<size_t>(array.shape[1]);
  CodeRows rows(static_cast<size_t>(array.shape[0]));
  const std::vector<double> values = checkpoint::to_doubles(array);
  auto value = values.begin();
  for (std::vector<uint32_t>& row : rows) {
    row.reserve(frames);
    for (size_t frame = 0; frame < frames; ++frame, ++value) {
      // Written so that a NaN is refused too.
      const bool sound = *value >= 0 && *value <= std::numeric_limits<uint32_t>::max();
      if (!sound || std::trunc(*value) != *value)
        refuse("holds the code " + std::to_string(*value));
      row.push_back(static_cast<uint32_t>(*value));
    }
  }
  return rows;
}

// Of the sentence's codes and text, where the file is there.
void add_alignment(Sentence& sentence, const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return;
  sentence.alignment = read_alignment(path, sentence.codes.front().size());
  // The characters are those that training sees.
  const std::string text = text::clean_text(sentence.texts.front());
  if (text != sentence.texts.front()) {
    throw Error(ErrorKind::corrupt, path.string(), "is of a text that is changed by cleaning",
                "write the transcript as \"" + text + "\"");
  }
}

}  // namespace

void stop_packing_if_asked(const PackOptions& options) {
  if (!base::stop_requested()) return;
  throw base::Interrupted(options.output.string(), "is as it was, nothing is packed yet",
                          "the same command begins anew");
}

size_t count_entries(const std::vector<PackGroup>& groups) {
  size_t count = 0;
  for (const PackGroup& group : groups) count += group.entries.size();
  return count;
}

EntryReader::EntryReader(const std::vector<PackGroup>& groups, EntryRange range,
                         const PackOptions& options,
                         const std::function<void(uint64_t, uint64_t, uint64_t)>& progress)
    : options_(options), progress_(progress) {
  jobs_.reserve(range.size());
  size_t number = 0;
  for (const PackGroup& group : groups) {
    for (const PackEntry& entry : group.entries) {
      if (number >= range.begin && number < range.end) jobs_.push_back({&group, &entry});
      ++number;
    }
  }
}

PackedEntry EntryReader::next() {
  if (taken_ == packed_.size()) read_ahead();
  return std::move(packed_[taken_++]);
}

void EntryReader::read_ahead() {
  constexpr size_t kAhead = 512;
  packed_.assign(std::min(kAhead, jobs_.size() - ahead_), {});
  taken_ = 0;
  const size_t workers = std::min(options_.num_workers, base::usable_cores());
  base::parallel_for(packed_.size(), workers,
                     [&](size_t i) { packed_[i] = read(jobs_[ahead_ + i]); });
  stop_packing_if_asked(options_);
  ahead_ += packed_.size();
  for (const PackedEntry& packed : packed_) frames_ += packed.frames;
  if (progress_) progress_(ahead_, jobs_.size(), frames_);
}

PackedEntry EntryReader::read(const Job& job) const {
  using Outcome = PackedEntry::Outcome;
  Sentence sentence;
  try {
    sentence.texts = read_texts(*job.entry, options_);
  } catch (const Error& error) {
    return {Outcome::no_text, 0, std::string("no transcript: ") + error.what()};
  }
  try {
    sentence.codes = read_code_rows(job.entry->codes, options_.rules);
    const uint64_t frames = sentence.codes.empty() ? 0 : sentence.codes.front().size();
    if (options_.rules == TextRules::repaired) {
      add_alignment(sentence, alignment_path(*job.entry));
      for (const fs::path& path : shifted_paths(*job.entry))
        sentence.shifted.push_back(read_code_rows(path, options_.rules));
    }
    return {Outcome::packed, frames, sentence_bytes(sentence, job.group->name)};
  } catch (const Error& error) {
    return {Outcome::no_codes, 0, error.what()};
  }
}

}  // namespace koi::dataset
