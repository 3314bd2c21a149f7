// Small drawings as SVG, well-formed XML too. Internal to koi/check.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace koi::check {

// Bars of how many values lie in each of 24 equal parts from the lowest to the highest, their
// counts told when pointed at. Values that are no finite numbers are left out; without any other it
// says so.
std::string draw_histogram(const std::vector<double>& values);

// An envelope (audio::SoundFigures), mirrored.
std::string draw_waveform(const std::vector<uint8_t>& envelope);

}  // namespace koi::check
