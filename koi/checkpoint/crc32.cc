#include "koi/checkpoint/crc32.h"

#include <zlib.h>

namespace koi::checkpoint {

uint32_t crc32(std::string_view bytes) {
  const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
  return static_cast<uint32_t>(::crc32_z(0, data, bytes.size()));
}

}  // namespace koi::checkpoint
