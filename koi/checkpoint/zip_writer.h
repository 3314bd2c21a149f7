// Writes a zip archive of stored records, one after another, each at a multiple of 64 bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "koi/base/files.h"
#include "koi/checkpoint/zip_records.h"

namespace koi::checkpoint {

class ZipWriter {
 public:
  // Appends to `file`, which must be empty and outlive this.
  explicit ZipWriter(base::AtomicFile& file) : file_(file) {}

  void add(const std::string& name, std::string_view bytes);
  // The directory; nothing may follow.
  void finish();

 private:
  base::AtomicFile& file_;
  std::vector<ZipRecord> records_;
};

}  // namespace koi::checkpoint
