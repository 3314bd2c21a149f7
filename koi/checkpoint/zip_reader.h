// Zip archives of stored (not compressed) records, as torch.save writes them. Only the central
// directory is believed: torch leaves the sizes in the local headers empty. Source: PKWARE's
// APPNOTE.TXT, zip64 included.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace koi::checkpoint {

struct ZipEntry {
  std::string name;
  std::string_view bytes;  // inside the archive
  uint32_t crc = 0;        // as the directory claims
};

// The records in the order of the directory. Throws Error(corrupt) naming `where` for a damaged
// archive, a record that lies outside of it or over another one, and names that come twice;
// Error(unsupported) for compressed or encrypted records and archives in several parts. The
// records' checksums are not compared: that would read the whole file.
std::vector<ZipEntry> read_zip(std::string_view archive, const std::string& where);

// Throws Error(corrupt) where the record's bytes do not have the checksum that the directory
// claims.
void check_crc(const ZipEntry& entry, const std::string& where);

}  // namespace koi::checkpoint
