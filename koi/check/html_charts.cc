#include "koi/check/html_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace koi::check {

std::string draw_histogram(const std::vector<double>& all) {
  constexpr size_t kParts = 24;
  constexpr int kWidth = 420, kHeight = 170, kBottom = 20;
  std::vector<double> values;
  std::copy_if(all.begin(), all.end(), std::back_inserter(values),
               [](double value) { return std::isfinite(value); });
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\">\n", kWidth, kHeight);
  if (values.empty())
    return svg + fmt::format(
                     "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">no values · 값이 "
                     "없습니다</text>\n</svg>\n",
                     kWidth / 2, kHeight / 2);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double part = (*high - *low) / kParts;
  std::array<size_t, kParts> counts{};
  for (const double value : values) {
    const double place = part > 0 ? (value - *low) / part : kParts / 2.0;
    ++counts[std::min(kParts - 1, static_cast<size_t>(place))];
  }
  const auto most = static_cast<double>(*std::max_element(counts.begin(), counts.end()));
  constexpr double kBar = static_cast<double>(kWidth) / kParts;
  for (size_t i = 0; i < kParts; ++i) {
    const double height = (kHeight - kBottom - 4) * static_cast<double>(counts[i]) / most;
    svg += fmt::format(
        "<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\">"
        "<title>{:.4g}: {}</title></rect>\n",
        kBar * static_cast<double>(i), kHeight - kBottom - height, kBar - 1, height,
        *low + part * static_cast<double>(i), counts[i]);
  }
  const auto label = [&svg](int x, const char* anchor, double value) {
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"{}\">{:.4g}</text>\n", x, kHeight - 5,
                       anchor, value);
  };
  label(0, "start", *low);
  label(kWidth / 2, "middle", (*low + *high) / 2);
  label(kWidth, "end", *high);
  return svg + "</svg>\n";
}

std::string draw_waveform(const std::vector<uint8_t>& envelope) {
  constexpr size_t kColumns = 128;
  constexpr int kMiddle = 20;
  const size_t step = std::max<size_t>(1, envelope.size() / kColumns);
  std::string above, below;
  size_t columns = 0;
  for (size_t i = 0; i < envelope.size(); i += step, ++columns) {
    const auto end = envelope.begin() + static_cast<int64_t>(std::min(i + step, envelope.size()));
    const int peak = *std::max_element(envelope.begin() + static_cast<int64_t>(i), end);
    const double height = 0.2 + peak * (kMiddle - 1) / 255.0;
    above += fmt::format("{},{:.1f} ", columns, kMiddle - height);
    below.insert(0, fmt::format("{},{:.1f} ", columns, kMiddle + height));
  }
  return fmt::format(
      "<svg viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\"><polygon class=\"wave\" "
      "points=\"{}\"/></svg>",
      std::max<size_t>(columns, 1), 2 * kMiddle, above + below);
}

}  // namespace koi::check
