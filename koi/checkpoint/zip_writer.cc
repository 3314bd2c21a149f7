#include "koi/checkpoint/zip_writer.h"

#include "koi/checkpoint/crc32.h"

namespace koi::checkpoint {

void ZipWriter::add(const std::string& name, std::string_view bytes) {
  const ZipRecord record{name, bytes.size(), file_.position(), crc32(bytes)};
  file_.write(zip_local_header(record));
  file_.write(bytes);
  file_.write(zip_data_descriptor(record));
  records_.push_back(record);
}

void ZipWriter::finish() {
  ZipDirectory directory{records_.size(), 0, file_.position()};
  for (const ZipRecord& record : records_) file_.write(zip_directory_entry(record));
  directory.size = file_.position() - directory.offset;
  file_.write(zip_directory_end(directory));
}

}  // namespace koi::checkpoint
