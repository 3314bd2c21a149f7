// How long this process has been running, its loading included.
#pragma once

namespace koi::base {

// Seconds since the process was started, to a hundredth of a second; since the first call where
// the system does not tell.
double seconds_since_start();

}  // namespace koi::base
