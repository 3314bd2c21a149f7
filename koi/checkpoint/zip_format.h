// What the zip reader and the zip writer both know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace koi::checkpoint::zip {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kDataDescriptor = 0x08074b50;
constexpr uint32_t kDirectoryEntry = 0x02014b50;
constexpr uint32_t kDirectoryEnd = 0x06054b50;
constexpr uint32_t kDirectoryEnd64 = 0x06064b50;
constexpr uint32_t kDirectoryLocator64 = 0x07064b50;

constexpr size_t kLocalHeaderSize = 30;
constexpr size_t kDirectoryEntrySize = 46;
constexpr size_t kDirectoryEndSize = 22;
constexpr size_t kDirectoryEnd64Size = 56;
constexpr size_t kDirectoryLocator64Size = 20;

constexpr uint16_t kExtraZip64 = 1;
// A 32-bit field that says "see the zip64 extra field", a 16-bit one likewise.
constexpr uint32_t kIn64 = 0xffffffff;
constexpr uint16_t kIn64Short = 0xffff;

}  // namespace koi::checkpoint::zip
