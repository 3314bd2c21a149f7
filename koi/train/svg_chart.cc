#include "koi/train/svg_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace koi::train {
namespace {

constexpr double kLeft = 64, kRight = 12, kTop = 10, kBottom = 28;  // margins

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool is_empty() const { return low > high; }
  // Some room even where all values are the same.
  void widen(double share) {
    const double room = high > low ? share * (high - low) : std::max(std::abs(high), 1.0) / 2;
    low -= room;
    high += room;
  }
};

bool is_finite(const ChartPoint& point) {
  return std::isfinite(point.x) && std::isfinite(point.y) && std::isfinite(point.interval);
}

// 1, 2 or 5 times a power of ten, so that about `count` of them make the span.
double tick_step(double span, int count) {
  const double rough = span / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough) return factor * power;
  return 10 * power;
}

// Multiples of `step` in the range. As many as tick_step may lead to: where numbers are so large
// that adding 1 changes nothing, there would be no end.
std::vector<double> ticks(const Range& range, double step) {
  constexpr int kMost = 20;
  const double first = std::ceil(range.low / step);
  std::vector<double> values;
  for (int i = 0; i < kMost && (first + i) * step <= range.high; ++i)
    values.push_back((first + i) * step);
  return values;
}

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart) {
    for (const ChartLine& line : chart.lines) lines_.push_back(line);
    for (ChartLine& line : lines_) {
      std::erase_if(line.points, [](const ChartPoint& point) { return !is_finite(point); });
      for (const ChartPoint& point : line.points) {
        x_.add(point.x);
        y_.add(point.y - point.interval);
        y_.add(point.y + point.interval);
      }
    }
    if (x_.is_empty()) return;
    if (chart.from_zero) y_.add(0);
    x_.widen(0);
    y_.widen(0.05);
    if (chart.from_zero) y_.low = 0;
  }

  std::string draw() {
    svg_ = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\">\n", chart_.width, chart_.height);
    if (x_.is_empty()) {
      text(chart_.width / 2.0, chart_.height / 2.0, "middle", "no values yet · 아직 값이 없습니다");
    } else {
      draw_axes();
      for (const ChartLine& line : lines_) draw_line(line);
    }
    return svg_ + "</svg>\n";
  }

 private:
  double column(double x) const {
    return kLeft + (x - x_.low) / (x_.high - x_.low) * (chart_.width - kLeft - kRight);
  }
  double row(double y) const {
    return chart_.height - kBottom -
           (y - y_.low) / (y_.high - y_.low) * (chart_.height - kTop - kBottom);
  }

  void text(double x, double y, const char* anchor, const std::string& words) {
    svg_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y,
                        anchor, words);
  }

  void draw_axes() {
    const double right = chart_.width - kRight, bottom = chart_.height - kBottom;
    for (const double value : ticks(y_, tick_step(y_.high - y_.low, 5))) {
      const double y = row(value);
      svg_ += fmt::format(
          "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kLeft,
          right, y, y);
      text(kLeft - 6, y + 4, "end", fmt::format("{:.6g}", value));
    }
    const double x_step = tick_step(x_.high - x_.low, chart_.width / 100);
    for (const double value : ticks(x_, std::max(1.0, x_step)))
      text(column(value), bottom + 18, "middle", fmt::format("{:.10g}", value));
    svg_ += fmt::format(
        "<line class=\"axis\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kLeft,
        right, bottom, bottom);
  }

  std::string place(double x, double y) const {
    return fmt::format("{:.1f},{:.1f} ", column(x), row(y));
  }

  // The lowest and the highest of each group of points, in their order.
  static std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points, size_t groups) {
    if (points.size() <= 2 * groups) return points;
    std::vector<ChartPoint> kept;
    for (size_t group = 0; group < groups; ++group) {
      const auto at = [&](size_t i) {
        return points.begin() + static_cast<std::ptrdiff_t>(i * points.size() / groups);
      };
      const auto [low, high] =
          std::minmax_element(at(group), at(group + 1),
                              [](const ChartPoint& a, const ChartPoint& b) { return a.y < b.y; });
      kept.push_back(*std::min(low, high));
      if (low != high) kept.push_back(*std::max(low, high));
    }
    return kept;
  }

  void draw_line(const ChartLine& line) {
    const auto points = thinned(line.points, static_cast<size_t>(chart_.width) / 2);
    draw_band(line, points);
    std::string path;
    for (const ChartPoint& point : points) path += place(point.x, point.y);
    svg_ += fmt::format("<polyline class=\"{}\" points=\"{}\"/>\n", line.css_class, path);
    if (!line.marked && points.size() > 1) return;
    for (const ChartPoint& point : points) {
      std::string values = fmt::format("{:.10g}: {:.4f}", point.x, point.y);
      if (point.interval > 0) values += fmt::format(" ± {:.4f}", point.interval);
      svg_ += fmt::format(
          "<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"><title>{}</title></circle>\n",
          line.css_class, column(point.x), row(point.y), values);
    }
  }

  void draw_band(const ChartLine& line, const std::vector<ChartPoint>& points) {
    std::string upper, lower;
    for (const ChartPoint& point : points) {
      if (point.interval <= 0) continue;
      upper += place(point.x, point.y + point.interval);
      lower = place(point.x, point.y - point.interval) + lower;
    }
    if (upper.empty()) return;
    svg_ +=
        fmt::format("<polygon class=\"{} band\" points=\"{}{}\"/>\n", line.css_class, upper, lower);
  }

  const Chart& chart_;
  std::vector<ChartLine> lines_;
  Range x_, y_;
  std::string svg_;
};

}  // namespace

std::string draw_chart(const Chart& chart) { return Drawing(chart).draw(); }

}  // namespace koi::train
