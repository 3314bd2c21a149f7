// The loss of a run as a drawing for the terminal.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace koi::cli {

struct LossPoint {
  int64_t step = 0;
  double loss = 0;
};

// The losses of metrics.jsonl in its order. Lines without step and loss are passed over. Throws
// Error(not_found, corrupt).
std::vector<LossPoint> read_losses(const std::filesystem::path& metrics);

// `rows` x `columns` characters with both axes labelled; several steps in a column are averaged.
// Empty for fewer than two points.
std::string draw_losses(const std::vector<LossPoint>& points, size_t rows = 10,
                        size_t columns = 60);

}  // namespace koi::cli
