// The records a zip archive is made of, as bytes. Records over 4 GiB and beyond get zip64 fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace koi::checkpoint {

struct ZipRecord {
  std::string name;
  uint64_t size = 0;
  uint64_t offset = 0;  // of the local header
  uint32_t crc = 0;
};

// The local header, padded so that the bytes behind it begin at a multiple of 64. Size and checksum
// stand in the data descriptor, so that the bytes are passed over once.
std::string zip_local_header(const ZipRecord& record);
std::string zip_data_descriptor(const ZipRecord& record);
std::string zip_directory_entry(const ZipRecord& record);

struct ZipDirectory {
  uint64_t records = 0, size = 0, offset = 0;
};
// All that stands behind the directory; always with the zip64 part, as torch writes it.
std::string zip_directory_end(const ZipDirectory& directory);

}  // namespace koi::checkpoint
