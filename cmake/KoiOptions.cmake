# Language, warnings, sanitizers, and the tools that make builds quick.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(KOI_BUILD_TESTS "build the tests" ON)
option(KOI_BUILD_BENCH "build the benchmarks" OFF)
option(KOI_ASAN "build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# -O2: -O3 brings nothing where the time is spent (in libtorch's kernels) and compiles slower.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")

add_library(koi_options INTERFACE)
target_compile_options(koi_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Werror)
target_include_directories(koi_options INTERFACE "${CMAKE_SOURCE_DIR}")
if(KOI_ASAN)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

find_program(KOI_MOLD mold)
if(KOI_MOLD)
  # Debian 12's mold (1.10) lets the part that becomes read-only begin a page too early where .tbss ends at
  # a page's end: such a program does not start ("cannot apply additional memory protection").
  add_link_options(-fuse-ld=mold -Wl,-z,norelro)
endif()

find_program(KOI_CCACHE ccache)
if(KOI_CCACHE)
  # What ccache needs to be told to cache files that use a precompiled header.
  set(KOI_LAUNCHER "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros;${KOI_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${KOI_LAUNCHER}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${KOI_LAUNCHER}")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()
