// The report as a page to look at and to listen with.
#pragma once

#include <string>

#include "koi/check/check_folder.h"

namespace koi::check {

// One self-contained file in English and Korean: speakers, histograms of length, loudness and rate
// of speech, the kinds of findings, then the files, the worst first (300 at most), each with its
// waveform, a player and what was found. `place` is the folder where the page will lie: players
// name the recordings relative to it, and need nothing else. Well-formed XML; every text from
// outside is escaped. Throws Error(io) where the folders cannot be looked at.
std::string report_html(const Report& report, const base::fs::path& place);

}  // namespace koi::check
