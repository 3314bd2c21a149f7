# Puts text files into the program. koi_embed(TARGET HEADER NAMESPACE FILES...) is done at configure time; a changed or a
# new file configures anew.
function(koi_embed target root)
  set(entries)
  foreach(file ${ARGN})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(RELATIVE_PATH name "${root}" "${file}")
    file(READ "${file}" text)
    string(APPEND entries "    {\"${name}\", R\"koi(${text})koi\"},\n")
  endforeach()
  set(generated "${CMAKE_BINARY_DIR}/embedded_${target}.cc")
  file(CONFIGURE OUTPUT "${generated}" CONTENT [=[
#include "koi/config/embedded.h"

namespace koi::config {

const std::vector<EmbeddedFile>& embedded_files() {
  static const std::vector<EmbeddedFile> files{
@entries@  };
  return files;
}

}  // namespace koi::config
]=] @ONLY)
  target_sources(${target} PRIVATE "${generated}")
endfunction()
