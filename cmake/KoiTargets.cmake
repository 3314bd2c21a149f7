# How folders become targets.

include(GoogleTest)
find_package(GTest REQUIRED)

# One precompiled header for all code that sees tensors: it costs 40 s once and saves 10 s a file.
add_library(koi_torch_pch OBJECT "${CMAKE_SOURCE_DIR}/koi/tensor/torch_pch.cc")
target_link_libraries(koi_torch_pch PUBLIC koi_options koi_torch)
target_precompile_headers(koi_torch_pch PUBLIC "${CMAKE_SOURCE_DIR}/koi/tensor/torch.h")

function(koi_use_torch target)
  target_link_libraries(${target} PUBLIC koi_torch)
  target_precompile_headers(${target} REUSE_FROM koi_torch_pch)
endfunction()

# What uses at::parallel_for (koi/tensor/parallel.h): without OpenMP it is a plain loop. libtorch brings the runtime.
set_source_files_properties(koi/lm/functions.cc koi/tensor/dropout.cc PROPERTIES COMPILE_OPTIONS -fopenmp
  SKIP_PRECOMPILE_HEADERS ON)

function(koi_test name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} koi_test_support GTest::gmock_main koi_options)
  if(ARG_TORCH)
    koi_use_torch(${name})
  endif()
  add_test(NAME ${name} COMMAND ${name})
  # The same short spinning as cli/heavy.cc asks for.
  set_tests_properties(${name} PROPERTIES TIMEOUT 900 ENVIRONMENT GOMP_SPINCOUNT=10000)
endfunction()

function(koi_folder name)
  cmake_parse_arguments(ARG "TORCH" "" "DEPS;TORCH_SOURCES;TORCH_DEPS" ${ARGN})
  set(folder "${CMAKE_SOURCE_DIR}/koi/${name}")
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cc")
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|torch_pch)\\.cc$")
  set(torch_tests)
  foreach(file ${ARG_TORCH_SOURCES})
    list(REMOVE_ITEM sources "${folder}/${file}")
    string(REPLACE ".cc" "_test.cc" test "${folder}/${file}")
    if(test IN_LIST tests)
      list(REMOVE_ITEM tests "${test}")
      list(APPEND torch_tests "${test}")
    endif()
  endforeach()

  add_library(koi_${name} STATIC ${sources})
  target_link_libraries(koi_${name} PUBLIC ${ARG_DEPS} PRIVATE koi_options)
  set(torch_flag)
  if(ARG_TORCH)
    koi_use_torch(koi_${name})
    set(torch_flag TORCH)
  endif()
  if(ARG_TORCH_SOURCES)
    list(TRANSFORM ARG_TORCH_SOURCES PREPEND "${folder}/")
    add_library(koi_${name}_torch STATIC ${ARG_TORCH_SOURCES})
    target_link_libraries(koi_${name}_torch PUBLIC koi_${name} ${ARG_TORCH_DEPS} PRIVATE koi_options)
    koi_use_torch(koi_${name}_torch)
  endif()

  if(KOI_BUILD_TESTS AND tests)
    koi_test(${name}_test ${torch_flag} SOURCES ${tests} DEPS koi_${name})
  endif()
  if(KOI_BUILD_TESTS AND torch_tests)
    koi_test(${name}_torch_test TORCH SOURCES ${torch_tests} DEPS koi_${name}_torch)
  endif()
endfunction()

# What koi-torch loads by itself where it computes on GPUs, from beside it: the parts of koi that are compiled against CUDA's
# headers and linked to libtorch's GPU part.
function(koi_gpu_library name)
  file(GLOB cuda_includes "${KOI_LIBTORCH}/nvidia/*/include")
  add_library(${name} MODULE ${ARGN})
  target_include_directories(${name} SYSTEM PRIVATE ${cuda_includes})
  target_link_libraries(${name} PRIVATE koi_torch koi_options "${KOI_LIBTORCH}/torch/lib/libtorch_cuda.so"
    "${KOI_LIBTORCH}/torch/lib/libc10_cuda.so")
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
endfunction()

# The messages of shards and of TensorBoard's events, compiled by Debian's protoc.
add_library(koi_proto STATIC)
target_sources(koi_proto PRIVATE "${CMAKE_SOURCE_DIR}/koi/dataset/text_data.proto" "${CMAKE_SOURCE_DIR}/koi/train/event.proto")
target_link_libraries(koi_proto PUBLIC protobuf::libprotobuf)
target_include_directories(koi_proto SYSTEM PUBLIC "${CMAKE_BINARY_DIR}/proto")
file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/proto/koi/dataset" "${CMAKE_BINARY_DIR}/proto/koi/train")
protobuf_generate(TARGET koi_proto LANGUAGE cpp IMPORT_DIRS "${CMAKE_SOURCE_DIR}" PROTOC_OUT_DIR "${CMAKE_BINARY_DIR}/proto")
