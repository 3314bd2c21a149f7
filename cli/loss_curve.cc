#include "cli/loss_curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "koi/base/error.h"
#include "koi/base/files.h"

namespace koi::cli {

std::vector<LossPoint> read_losses(const std::filesystem::path& metrics) {
  std::vector<LossPoint> points;
  std::istringstream lines(base::read_file(metrics));
  for (std::string line; std::getline(lines, line);) {
    const nlohmann::json row = nlohmann::json::parse(line, nullptr, false);
    if (row.is_discarded()) {
      throw Error(ErrorKind::corrupt, metrics.string(),
                  "a line is not JSON: " + line.substr(0, 60));
    }
    const auto step = row.find("step");
    const auto loss = row.find("loss");
    if (step == row.end() || loss == row.end() || !step->is_number() || !loss->is_number())
      continue;
    points.push_back({step->get<int64_t>(), loss->get<double>()});
  }
  return points;
}

std::string draw_losses(const std::vector<LossPoint>& points, size_t rows, size_t columns) {
  if (points.size() < 2) return {};
  columns = std::min(columns, points.size());
  std::vector<double> mean(columns, 0);
  for (size_t c = 0; c < columns; ++c) {
    const size_t begin = c * points.size() / columns;
    const size_t end = (c + 1) * points.size() / columns;
    for (size_t i = begin; i < end; ++i)
      mean[c] += points[i].loss / static_cast<double>(end - begin);
  }
  const auto [low, high] = std::minmax_element(mean.begin(), mean.end());
  const double span = std::max(*high - *low, 1e-9);
  std::vector<std::string> canvas(rows, std::string(columns, ' '));
  for (size_t c = 0; c < columns; ++c) {
    const auto height =
        static_cast<size_t>((mean[c] - *low) / span * static_cast<double>(rows - 1) + 0.5);
    canvas[rows - 1 - height][c] = '*';
  }
  std::string drawing;
  for (size_t r = 0; r < rows; ++r) {
    const double level = *high - span * static_cast<double>(r) / static_cast<double>(rows - 1);
    drawing += fmt::format("{:>9.4f} |{}\n", level, canvas[r]);
  }
  drawing += fmt::format("{:>9} +{}\n", "loss", std::string(columns, '-'));
  const std::string first = fmt::format("step {}", points.front().step);
  const std::string last = fmt::format("{}", points.back().step);
  const size_t gap =
      columns > first.size() + last.size() ? columns - first.size() - last.size() : 1;
  return drawing + fmt::format("{:>11}{}{}{}\n", "", first, std::string(gap, ' '), last);
}

}  // namespace koi::cli
