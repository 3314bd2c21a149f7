// at::parallel_for, on libtorch's threads.
#pragma once

#include <ATen/Parallel.h>

#ifndef _OPENMP
#error "without -fopenmp at::parallel_for is a plain loop: add this file in cmake/KoiTargets.cmake"
#endif
