// How the commands end that work through many files: one summary of what was done, skipped and
// failed, and a list of the failures beside the results.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "koi/base/failure_list.h"
#include "koi/base/share.h"

namespace koi::cli {

struct DataReport {
  std::string command{};
  base::fs::path folder{};  // of the results: there the list of failures lies
  base::Share share{};
  size_t done = 0;
  size_t skipped = 0;  // were there already
  double audio_s = 0;  // that was worked on
  std::vector<base::Failure> failures{};
  std::vector<base::Failure> remarks{};  // told like the failures, but nothing failed

  bool goes_on = false;  // in another process, which lists the failures of all

  // What only this command tells: words of the summary's line, and keys of its JSON.
  std::vector<std::string> words{};
  nlohmann::ordered_json facts = nlohmann::ordered_json::object();

  // Where a signal came: what is done and how to go on (report_interrupted).
  std::string interrupted{};
};

// Writes the list of failures (see base::write_failure_list; one that an earlier run left stays
// where this one was interrupted before anything failed), prints the summary, as JSON where asked,
// and gives the exit status: 1 where something failed.
int finish(const DataReport& report, bool as_json);

// Tells in a line on stderr which part of `total` files this process has; nothing for the whole.
void announce_share(const base::Share& share, size_t total);

}  // namespace koi::cli
