# Debian's libraries, and libtorch out of the wheels (see docs/dependencies.md).

find_package(PkgConfig REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(Protobuf REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(sndfile REQUIRED IMPORTED_TARGET sndfile)
pkg_check_modules(ebur128 REQUIRED IMPORTED_TARGET libebur128)
pkg_check_modules(soxr REQUIRED IMPORTED_TARGET soxr)
pkg_check_modules(kissfft REQUIRED IMPORTED_TARGET kissfft-float)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(isal REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)

# Where scripts/setup puts a thing: the environment variable of its name, else a folder in the cache.
function(koi_setup_folder name otherwise help)
  if(DEFINED ENV{${name}})
    set(folder "$ENV{${name}}")
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(folder "$ENV{XDG_CACHE_HOME}/koi/${otherwise}")
  else()
    set(folder "$ENV{HOME}/.cache/koi/${otherwise}")
  endif()
  set(${name} "${folder}" CACHE PATH "${help}")
endfunction()
koi_setup_folder(KOI_LIBTORCH libtorch-2.15.0 "folder with torch/ and nvidia/ out of the wheels")
koi_setup_folder(KOI_ORACLES oracles-1 "folder of the tests' Python packages")
if(NOT EXISTS "${KOI_LIBTORCH}/torch/lib/libtorch_cpu.so")
  message(FATAL_ERROR "no libtorch in ${KOI_LIBTORCH}: run scripts/setup")
endif()

# The wheels' own CMake files ask for a CUDA toolkit and link its older NCCL, so the targets are made here.
foreach(name c10 torch_cpu gomp)
  file(GLOB library "${KOI_LIBTORCH}/torch/lib/lib${name}.so*")
  add_library(koi::${name} SHARED IMPORTED)
  set_target_properties(koi::${name} PROPERTIES IMPORTED_LOCATION "${library}")
endforeach()
add_library(koi_torch INTERFACE)
# -idirafter: torch's include folder holds its own fmt and protobuf, which must not hide Debian's.
target_compile_options(koi_torch INTERFACE
  "SHELL:-idirafter ${KOI_LIBTORCH}/torch/include"
  "SHELL:-idirafter ${KOI_LIBTORCH}/torch/include/torch/csrc/api/include")
target_link_libraries(koi_torch INTERFACE koi::torch_cpu koi::c10 koi::gomp ${CMAKE_DL_LIBS} Threads::Threads)
# DT_RPATH, not DT_RUNPATH: the wheels' libraries are found through it by libtorch too.
target_link_options(koi_torch INTERFACE "LINKER:--disable-new-dtags" "LINKER:-rpath-link,${KOI_LIBTORCH}/nvidia/cu13/lib")
