// Curves as SVG that stands in an HTML page; colours come from the page's style.
#pragma once

#include <string>
#include <vector>

namespace koi::train {

struct ChartPoint {
  double x = 0, y = 0;
  double interval = 0;  // half of the band around y; 0: none
};

struct ChartLine {
  std::string css_class;
  std::vector<ChartPoint> points;  // by rising x; those that are no finite numbers are left out
  bool marked = false;             // a dot at each point that tells its values when pointed at
};

struct Chart {
  std::vector<ChartLine> lines;  // the last one on top
  bool from_zero = false;        // the y axis begins at 0
  int width = 760, height = 260;
};

// An <svg> element, well-formed XML too. Lines of more points than fit the width are drawn by the
// lowest and the highest point of every two columns, so that peaks stay. A chart without any point
// says so.
std::string draw_chart(const Chart& chart);

}  // namespace koi::train
