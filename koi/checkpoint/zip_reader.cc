#include "koi/checkpoint/zip_reader.h"

#include <algorithm>
#include <unordered_set>

#include "koi/base/bytes.h"
#include "koi/checkpoint/crc32.h"
#include "koi/checkpoint/zip_format.h"

namespace koi::checkpoint {
namespace {

constexpr size_t kMaxComment = 65535;

struct Directory {
  uint64_t entries = 0, size = 0, offset = 0;
};

[[noreturn]] void refuse_kind(const base::ByteReader& reader, const std::string& what) {
  throw Error(ErrorKind::unsupported, reader.where(), what,
              "load it with torch and save it again with torch.save");
}

// The position of the end record: the last one whose comment reaches exactly to the end.
size_t find_end(std::string_view archive, const base::ByteReader& reader) {
  if (archive.size() >= zip::kDirectoryEndSize) {
    const size_t last = archive.size() - zip::kDirectoryEndSize;
    const size_t first = last > kMaxComment ? last - kMaxComment : 0;
    for (size_t at = last + 1; at-- > first;) {
      base::ByteReader candidate(archive.substr(at), reader.where());
      if (candidate.read<uint32_t>() != zip::kDirectoryEnd) continue;
      candidate.seek(zip::kDirectoryEndSize - sizeof(uint16_t));
      if (candidate.read<uint16_t>() == candidate.remaining()) return at;
    }
  }
  reader.fail("is no whole zip archive: the directory at its end is missing",
              "the file was cut off or is none of torch.save; get it again");
}

void read_end64(base::ByteReader& reader, size_t end, Directory& directory) {
  if (end < zip::kDirectoryLocator64Size) return;
  reader.seek(end - zip::kDirectoryLocator64Size);
  if (reader.read<uint32_t>() != zip::kDirectoryLocator64) return;
  reader.skip(sizeof(uint32_t));
  reader.seek(reader.read<uint64_t>());
  if (reader.read<uint32_t>() != zip::kDirectoryEnd64)
    reader.fail("has no zip64 directory where one is announced");
  reader.skip(zip::kDirectoryEnd64Size - 4 - 3 * sizeof(uint64_t));
  directory.entries = reader.read<uint64_t>();
  directory.size = reader.read<uint64_t>();
  directory.offset = reader.read<uint64_t>();
}

Directory read_directory(base::ByteReader& reader, size_t end) {
  reader.seek(end + sizeof(uint32_t));
  const auto part = reader.read<uint16_t>();
  if (part != 0 && part != zip::kIn64Short)
    refuse_kind(reader, "is one part of a zip archive in several parts");
  reader.skip(2 * sizeof(uint16_t));
  Directory directory;
  directory.entries = reader.read<uint16_t>();
  directory.size = reader.read<uint32_t>();
  directory.offset = reader.read<uint32_t>();
  read_end64(reader, end, directory);
  return directory;
}

// A record as its directory entry gives it.
struct Record {
  std::string_view name;
  uint16_t flags = 0, method = 0;
  uint32_t crc = 0;
  uint64_t packed = 0, size = 0, header = 0;
};

// The fields that did not fit into 32 bits, in their fixed order.
void read_extra(std::string_view extra, const std::string& where, Record& record) {
  base::ByteReader reader(extra, where);
  while (reader.remaining() >= 4) {
    const auto id = reader.read<uint16_t>();
    base::ByteReader field(reader.take(reader.read<uint16_t>()), where);
    if (id != zip::kExtraZip64) continue;
    for (uint64_t* value : {&record.size, &record.packed, &record.header}) {
      if (*value == zip::kIn64) *value = field.read<uint64_t>();
    }
    return;
  }
}

Record read_entry(base::ByteReader& reader) {
  if (reader.read<uint32_t>() != zip::kDirectoryEntry)
    reader.fail("has a damaged directory at byte " + std::to_string(reader.position()));
  Record record;
  reader.skip(4);
  record.flags = reader.read<uint16_t>();
  record.method = reader.read<uint16_t>();
  reader.skip(4);
  record.crc = reader.read<uint32_t>();
  record.packed = reader.read<uint32_t>();
  record.size = reader.read<uint32_t>();
  const auto name = reader.read<uint16_t>();
  const auto extra = reader.read<uint16_t>();
  const auto comment = reader.read<uint16_t>();
  reader.skip(8);
  record.header = reader.read<uint32_t>();
  record.name = reader.take(name);
  read_extra(reader.take(extra), reader.where(), record);
  reader.skip(comment);
  return record;
}

// The record's bytes, behind its local header.
std::string_view record_bytes(base::ByteReader& reader, const Record& record) {
  const std::string name(record.name);
  if ((record.flags & 1) != 0) refuse_kind(reader, "record " + name + " is encrypted");
  if (record.method != 0 || record.packed != record.size)
    refuse_kind(reader, "record " + name + " is compressed");
  reader.seek(record.header);
  if (reader.read<uint32_t>() != zip::kLocalHeader)
    reader.fail("record " + name + " is not where the directory says");
  reader.skip(22);
  const auto name_length = reader.read<uint16_t>();
  const auto extra_length = reader.read<uint16_t>();
  if (reader.take(name_length) != record.name)
    reader.fail("record " + name + " bears another name in the archive's directory");
  reader.skip(extra_length);
  return reader.take(record.size);
}

struct Range {
  size_t begin, end;
};

void check_overlaps(std::vector<Range> ranges, const base::ByteReader& reader) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].begin < ranges[i - 1].end) {
      reader.fail("records lie over each other at byte " + std::to_string(ranges[i].begin));
    }
  }
}

}  // namespace

std::vector<ZipEntry> read_zip(std::string_view archive, const std::string& where) {
  base::ByteReader reader(archive, where);
  const size_t end = find_end(archive, reader);
  const Directory directory = read_directory(reader, end);
  reader.seek(directory.offset);
  base::ByteReader entries_reader(reader.take(directory.size), where);
  if (directory.entries > directory.size / zip::kDirectoryEntrySize)
    reader.fail("claims more records than its directory holds");

  std::vector<ZipEntry> entries;
  std::vector<Range> ranges{{directory.offset, directory.offset + directory.size}};
  std::unordered_set<std::string_view> names;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    const Record record = read_entry(entries_reader);
    if (!names.insert(record.name).second)
      reader.fail("record " + std::string(record.name) + " is there twice");
    const std::string_view bytes = record_bytes(reader, record);
    entries.push_back({std::string(record.name), bytes, record.crc});
    ranges.push_back({record.header, reader.position()});
  }
  check_overlaps(std::move(ranges), reader);
  return entries;
}

void check_crc(const ZipEntry& entry, const std::string& where) {
  if (crc32(entry.bytes) != entry.crc) {
    throw Error(ErrorKind::corrupt, where, "record " + entry.name + " does not match its checksum",
                "the file is damaged; get it again");
  }
}

}  // namespace koi::checkpoint
