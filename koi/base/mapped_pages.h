#pragma once

#include <string_view>

namespace koi::base {

// Takes the whole pages among these bytes of a MappedFile (of nothing else: other memory would lose
// its content) out of this process's memory. They come in again when they are touched.
void release_pages(std::string_view mapped);

}  // namespace koi::base
