#pragma once

#include <cstdint>
#include <string_view>

namespace koi::checkpoint {

// CRC-32 as zip uses it (IEEE 802.3, reflected).
uint32_t crc32(std::string_view bytes);

}  // namespace koi::checkpoint
