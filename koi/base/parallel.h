// Work shared over threads.
#pragma once

#include <cstddef>
#include <functional>

namespace koi::base {

// Cores this process may use (its CPU affinity), at least 1.
size_t usable_cores();

// Calls work(i) for i = 0 .. count-1 on up to `workers` threads, each index once. Stops handing out
// indices when a call throws (the first exception is thrown again here, when all threads have
// ended) or stop_requested() holds; returns how many indices were handed out.
size_t parallel_for(size_t count, size_t workers, const std::function<void(size_t)>& work);

}  // namespace koi::base
