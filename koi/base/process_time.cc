#include "koi/base/process_time.h"

#include <time.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace koi::base {
namespace {

double seconds_since_boot() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Field 22 of /proc/self/stat, counted behind the name in brackets, which may hold spaces.
double start_of_process() {
  std::ifstream file("/proc/self/stat");
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  const size_t name_end = all.rfind(')');
  if (name_end == std::string::npos) return seconds_since_boot();
  std::istringstream fields(all.substr(name_end + 1));
  std::string field;
  for (int number = 3; number < 22; ++number) fields >> field;
  double ticks = 0;
  if (!(fields >> ticks)) return seconds_since_boot();
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

double seconds_since_start() {
  static const double start = start_of_process();
  return seconds_since_boot() - start;
}

}  // namespace koi::base
