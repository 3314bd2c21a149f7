#include "koi/dataset/split.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/parallel.h"
#include "koi/base/utf8.h"
#include "koi/dataset/held_out.h"

namespace koi::dataset {
namespace {

namespace fs = base::fs;

void check(const SplitOptions& options) {
  const auto refuse = [](const char* option, const std::string& what) {
    throw Error(ErrorKind::usage, option, what);
  };
  if (options.ratio && options.count) refuse("--val-ratio", "and --val-count exclude each other");
  if (options.ratio && !(*options.ratio >= 0 && *options.ratio < 1))
    refuse("--val-ratio", "is " + std::to_string(*options.ratio) + ", expected 0 to below 1");
  if (options.count && *options.count < 1)
    refuse("--val-count", "is " + std::to_string(*options.count) + ", expected 1 or more");
}

// The first transcript that is there; the error about the first extension where none is.
std::string text_of(const fs::path& recording, const SplitOptions& options) {
  std::error_code ignored;
  fs::path found = recording;
  for (const std::string& extension : options.text_extensions) {
    const fs::path path = fs::path(recording).replace_extension(extension);
    if (fs::exists(path, ignored)) return read_transcript(path, TextRules::repaired);
  }
  throw Error(ErrorKind::not_found, recording.string(), "has no transcript beside it",
              "write its words into " +
                  fs::path(recording).replace_extension(options.text_extensions.at(0)).string());
}

int64_t wanted(const SplitOptions& options, size_t entries) {
  if (options.count) return *options.count;
  const auto total = static_cast<double>(entries);
  if (options.ratio) return std::llround(*options.ratio * total);
  constexpr int64_t kMost = 100;
  return std::min(kMost, static_cast<int64_t>(std::ceil(total / 5)));
}

std::set<std::string> validation_texts(const std::vector<SplitEntry>& entries,
                                       const SplitOptions& options) {
  const int64_t count = wanted(options, entries.size());
  if (count == 0) return {};
  TextData all;
  for (const SplitEntry& entry : entries) all.sentences.push_back({{entry.text}, {}});
  return choose_held_out({all}, {.share = 0.5, .least = count, .most = count});
}

std::string line_of(const SplitEntry& entry, const fs::path& root) {
  const fs::path inside = fs::absolute(entry.recording)
                              .lexically_normal()
                              .lexically_relative(fs::absolute(root).lexically_normal());
  const bool lies_in = !inside.empty() && *inside.begin() != "..";
  const std::string path = lies_in ? inside.string() : fs::absolute(entry.recording).string();
  for (const std::string& field : {path, entry.speaker, entry.language}) {
    if (!base::is_valid_utf8(field) || field.find_first_of("|\r\n") != std::string::npos) {
      throw Error(ErrorKind::unsupported, entry.recording.string(),
                  "cannot stand in a file list, for there is a bar, an end of line or what is not "
                  "UTF-8 in " +
                      field,
                  "rename it");
    }
  }
  // In front of what would be a note, or stripped, at the beginning of a line.
  const bool is_plain = !path.starts_with('#') && strip_space(path) == path;
  return (is_plain ? "" : "./") + path + "|" + entry.speaker + "|" + entry.language + "|" +
         entry.text + "\n";
}

// Leaves what is too short or too long out of `entries`.
void keep_durations(std::vector<SplitEntry>& entries, const SplitOptions& options,
                    const std::function<double(const fs::path&)>& duration_s,
                    const LeftOutSink& left_out, SplitReport& report) {
  if (!options.min_duration_s && !options.max_duration_s) return;
  struct Measured {
    double seconds = 0;
    std::string problem{};
  };
  std::vector<Measured> measured(entries.size());
  base::parallel_for(entries.size(), base::usable_cores(), [&](size_t i) {
    try {
      measured[i].seconds = duration_s(entries[i].recording);
    } catch (const Error& error) {
      measured[i].problem = error.what();
    }
  });
  if (base::stop_requested()) return;
  std::vector<SplitEntry> kept;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!measured[i].problem.empty()) {
      left_out({entries[i].recording.string(), measured[i].problem});
    } else if (options.min_duration_s && measured[i].seconds < *options.min_duration_s) {
      ++report.too_short;
    } else if (options.max_duration_s && measured[i].seconds > *options.max_duration_s) {
      ++report.too_long;
    } else {
      kept.push_back(std::move(entries[i]));
    }
  }
  entries = std::move(kept);
}

}  // namespace

std::vector<SplitEntry> split_entries(const std::vector<fs::path>& recordings,
                                      const SplitOptions& options, const LeftOutSink& left_out) {
  std::vector<SplitEntry> entries;
  for (const fs::path& recording : recordings) {
    try {
      const fs::path folder = fs::absolute(recording).lexically_normal().parent_path();
      entries.push_back({recording, folder.filename().string(), "", text_of(recording, options)});
    } catch (const Error& error) {
      left_out({recording.string(), error.what()});
    }
  }
  return entries;
}

std::vector<SplitEntry> split_entries(const fs::path& list, const LeftOutSink& left_out) {
  std::vector<SplitEntry> entries;
  for (const ListLine& line : read_file_list(list, TextRules::repaired, left_out)) {
    try {
      const fs::path recording = find_listed(line.path, list);
      if (recording.empty())
        throw Error(ErrorKind::not_found, line.where, "there is no file " + line.path);
      entries.push_back({recording, line.speaker, line.language,
                         tidy_transcript(line.text, line.where, TextRules::repaired)});
    } catch (const Error& error) {
      left_out({line.where, error.what()});
    }
  }
  return entries;
}

SplitReport write_split(const fs::path& root, std::vector<SplitEntry> entries,
                        const SplitOptions& options,
                        const std::function<double(const fs::path&)>& duration_s,
                        const LeftOutSink& left_out) {
  check(options);
  SplitReport report{.train_list = root / "vq_train_filelist.txt",
                     .validation_list = root / "vq_val_filelist.txt"};
  keep_durations(entries, options, duration_s, left_out, report);
  if (base::stop_requested()) {
    throw base::Interrupted(root.string(), "its lists are as they were",
                            "the same command begins anew");
  }
  std::sort(entries.begin(), entries.end(), [](const SplitEntry& a, const SplitEntry& b) {
    return base::path_parts_less(a.recording, b.recording);
  });
  const std::set<std::string> chosen = validation_texts(entries, options);
  std::string train, validation;
  for (const SplitEntry& entry : entries) {
    try {
      const std::string line = line_of(entry, root);
      const bool validates = chosen.contains(text_hash(entry.text));
      (validates ? validation : train) += line;
      ++(validates ? report.validation : report.train);
    } catch (const Error& error) {
      left_out({entry.recording.string(), error.what()});
    }
  }
  if (report.train == 0) {
    throw Error(ErrorKind::corrupt, root.string(), "no recording is left for training",
                "put the words of x.wav into x.lab beside it");
  }
  base::write_file(report.validation_list, validation);
  base::write_file(report.train_list, train);
  return report;
}

}  // namespace koi::dataset
