// SIGINT and SIGTERM as a question that long work asks between two steps, so that nothing is lost.
#pragma once

#include <functional>
#include <string_view>

#include "koi/base/error.h"

namespace koi::base {

// Installs the handlers (once, in main). The first signal makes stop_requested() true. One that
// comes later than half a second after it ends the process; until then it counts as the same, for
// terminals and timeout(1) reach a process on several ways at once. SIGCHLD gets its default.
void catch_interrupts();
bool stop_requested();
// The exit status of a process that was told to stop, as shells know it: 128 + the first signal's
// number. 0 where none came.
int stop_status();

// Calls `become`, which must not return, in a child process and waits for its end; signals go to it
// too, one that has come already at once. Gives its exit status, 128 + n where signal n ended it.
// Throws Error(io) where no process can be started.
int run_child(const std::function<void()>& become);

// Work was given up because stop_requested(): nothing is wrong. As an Error it is of the kind io.
class Interrupted : public Error {
 public:
  Interrupted(std::string_view where, std::string_view what, std::string_view remedy)
      : Error(ErrorKind::io, where, what, remedy) {}
};

}  // namespace koi::base
