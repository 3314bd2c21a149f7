// A program kept in a process of its own: bounded memory and time, one open file, by default no
// file of its own making; for what reads what nobody vouches for.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace koi::base {

struct ProgramLimits {
  uint64_t memory_bytes = uint64_t{2} << 30;  // address space
  unsigned cpu_s = 600;
  unsigned wall_s = 900;
  unsigned idle_s = std::numeric_limits<unsigned>::max();  // without a byte on standard output
  uint64_t file_bytes = 0;                                 // of each file that it writes
};

struct ProgramEnd {
  int status = 0;          // exit status; 128 + n after signal n
  bool timed_out = false;  // wall_s or idle_s were over
  std::string messages;    // what it wrote to standard error, the first 64 KiB
};

// The descriptor under which the program finds its input.
inline constexpr int kProgramInput = 3;

// Runs argv (argv[0] is looked up in PATH) to its end and hands what it writes to standard output
// to `take`, piece by piece, from this thread. `input` is open in it as kProgramInput, seekable;
// standard input is empty; nothing else is inherited. Signals of the terminal do not reach it. It
// is killed, with whatever it has started, where `take` throws, where stop_requested()
// (base::Interrupted is thrown) and where its time is over; alone where another limit is passed and
// when this thread ends. Safe beside other threads. Throws Error(not_found) where there is no such
// program, Error(io) where no process can be started or its end cannot be known.
ProgramEnd run_limited(const std::vector<std::string>& argv, int input, const ProgramLimits& limits,
                       const std::function<void(std::string_view)>& take);

}  // namespace koi::base
