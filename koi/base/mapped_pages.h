#pragma once

#include <cstdint>
#include <string_view>

namespace koi::base {

// MappedFile reads a smaller file in place of mapping it: that is quicker, above all beside other
// threads, which a changed map interrupts.
inline constexpr uint64_t kLeastMapped = uint64_t{1} << 16;

// Takes the whole pages among these bytes of a MappedFile (of nothing else: other memory would lose
// its content) out of this process's memory. They come in again when they are touched. Fewer bytes
// than kLeastMapped stay: their file may be one that was read.
void release_pages(std::string_view mapped);

}  // namespace koi::base
