#include "koi/base/interrupt.h"

#include <csignal>

namespace koi::base {
namespace {

volatile std::sig_atomic_t g_stop = 0;

extern "C" void on_signal(int signal_number) {
  g_stop = 1;
  std::signal(signal_number, SIG_DFL);
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool stop_requested() { return g_stop != 0; }

}  // namespace koi::base
