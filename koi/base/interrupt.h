// SIGINT and SIGTERM as a question that long work asks between two steps, so that nothing is lost.
#pragma once

namespace koi::base {

// Installs the handlers (once, in main). The first signal makes stop_requested() true, the second
// ends the process.
void catch_interrupts();
bool stop_requested();

}  // namespace koi::base
