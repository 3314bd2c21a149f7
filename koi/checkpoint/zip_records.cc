#include "koi/checkpoint/zip_records.h"

#include <algorithm>

#include "koi/base/bytes.h"
#include "koi/checkpoint/zip_format.h"

namespace koi::checkpoint {
namespace {

using base::append_bytes;

constexpr uint16_t kFlags = 0x0808;  // names are UTF-8; sizes stand in a data descriptor
constexpr uint16_t kStored = 0;
constexpr uint16_t kVersion64 = 45;
constexpr size_t kAlignment = 64;
constexpr size_t kExtraHead = 2 * sizeof(uint16_t);

bool needs_64(uint64_t value) { return value >= zip::kIn64; }

uint32_t low_or_mark(uint64_t value) {
  return static_cast<uint32_t>(std::min<uint64_t>(value, zip::kIn64));
}

uint16_t version_for(const ZipRecord& record) {
  return needs_64(record.size) || needs_64(record.offset) ? kVersion64 : 0;
}

// Version, flags, method, and no date: the same data gives the same file.
void append_head(std::string& out, const ZipRecord& record) {
  append_bytes(out, version_for(record));
  append_bytes(out, kFlags);
  append_bytes(out, kStored);
  append_bytes(out, uint32_t{0});
}

// An extra field "FB" of torch's that fills up to the alignment.
std::string padding(size_t position) {
  const size_t unpadded = position + kExtraHead;
  const size_t count = (kAlignment - unpadded % kAlignment) % kAlignment;
  std::string extra = "FB";
  append_bytes(extra, static_cast<uint16_t>(count));
  extra.append(count, 'Z');
  return extra;
}

}  // namespace

std::string zip_local_header(const ZipRecord& record) {
  std::string extra;
  if (needs_64(record.size)) {
    append_bytes(extra, zip::kExtraZip64);
    append_bytes(extra, static_cast<uint16_t>(2 * sizeof(uint64_t)));
    append_bytes(extra, record.size);
    append_bytes(extra, record.size);
  }
  extra += padding(record.offset + zip::kLocalHeaderSize + record.name.size() + extra.size());
  const uint32_t size = needs_64(record.size) ? zip::kIn64 : 0;
  std::string out;
  append_bytes(out, zip::kLocalHeader);
  append_head(out, record);
  append_bytes(out, uint32_t{0});
  append_bytes(out, size);
  append_bytes(out, size);
  append_bytes(out, static_cast<uint16_t>(record.name.size()));
  append_bytes(out, static_cast<uint16_t>(extra.size()));
  return out + record.name + extra;
}

std::string zip_data_descriptor(const ZipRecord& record) {
  std::string out;
  append_bytes(out, zip::kDataDescriptor);
  append_bytes(out, record.crc);
  for (int i = 0; i < 2; ++i) {
    if (needs_64(record.size)) {
      append_bytes(out, record.size);
    } else {
      append_bytes(out, static_cast<uint32_t>(record.size));
    }
  }
  return out;
}

std::string zip_directory_entry(const ZipRecord& record) {
  std::string fields;
  if (needs_64(record.size)) {
    append_bytes(fields, record.size);
    append_bytes(fields, record.size);
  }
  if (needs_64(record.offset)) append_bytes(fields, record.offset);
  std::string extra;
  if (!fields.empty()) {
    append_bytes(extra, zip::kExtraZip64);
    append_bytes(extra, static_cast<uint16_t>(fields.size()));
    extra += fields;
  }
  std::string out;
  append_bytes(out, zip::kDirectoryEntry);
  append_bytes(out, version_for(record));
  append_head(out, record);
  append_bytes(out, record.crc);
  append_bytes(out, low_or_mark(record.size));
  append_bytes(out, low_or_mark(record.size));
  append_bytes(out, static_cast<uint16_t>(record.name.size()));
  append_bytes(out, static_cast<uint16_t>(extra.size()));
  out.append(10, '\0');  // no comment, part 0, no attributes
  append_bytes(out, low_or_mark(record.offset));
  return out + record.name + extra;
}

std::string zip_directory_end(const ZipDirectory& directory) {
  std::string out;
  append_bytes(out, zip::kDirectoryEnd64);
  append_bytes(out, uint64_t{zip::kDirectoryEnd64Size - 12});  // what follows of it
  append_bytes(out, uint16_t{0x031e});                         // made as torch says: Unix, 3.0
  append_bytes(out, kVersion64);
  append_bytes(out, uint64_t{0});  // parts
  append_bytes(out, directory.records);
  append_bytes(out, directory.records);
  append_bytes(out, directory.size);
  append_bytes(out, directory.offset);

  append_bytes(out, zip::kDirectoryLocator64);
  append_bytes(out, uint32_t{0});
  append_bytes(out, directory.offset + directory.size);
  append_bytes(out, uint32_t{1});

  const auto records =
      static_cast<uint16_t>(std::min<uint64_t>(directory.records, zip::kIn64Short));
  append_bytes(out, zip::kDirectoryEnd);
  append_bytes(out, uint32_t{0});
  append_bytes(out, records);
  append_bytes(out, records);
  append_bytes(out, low_or_mark(directory.size));
  append_bytes(out, low_or_mark(directory.offset));
  append_bytes(out, uint16_t{0});
  return out;
}

}  // namespace koi::checkpoint
