# Each set of kernels is compiled for its instructions, and all of them so that short loops over constant counts vanish: sums
# then stay in registers. The rest of the program runs on any processor.
set(kernel_flags -O3 -ffp-contract=off)
set(kernel_flags_avx2 -mavx2 -mfma)
# GCC 12 takes the undefined lanes of its own AVX-512 headers for uninitialised variables.
set(kernel_flags_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -Wno-uninitialized -Wno-maybe-uninitialized)
foreach(name matrix inputs multiply_many read_speed kernels_portable kernels_avx2 kernels_avx512 kernels_neon)
  set(flags ${kernel_flags})
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64 AND name MATCHES "kernels_(avx.*)")
    list(APPEND flags ${kernel_flags_${CMAKE_MATCH_1}})
  endif()
  set_source_files_properties("koi/kernels/${name}.cc" PROPERTIES COMPILE_OPTIONS "${flags}")
endforeach()

# The codec's likewise. Its loops are written in vectors, so that the compiler puts products and sums together where it can.
foreach(name loops_portable loops_avx2 loops_avx512)
  set(flags -O3 -ffp-contract=fast)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64 AND name MATCHES "loops_(avx.*)")
    list(APPEND flags ${kernel_flags_${CMAKE_MATCH_1}})
  endif()
  set_source_files_properties("koi/codec/${name}.cc" PROPERTIES COMPILE_OPTIONS "${flags}" SKIP_PRECOMPILE_HEADERS ON)
endforeach()
