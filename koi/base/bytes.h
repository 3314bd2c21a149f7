// Bytes from outside are read only through this reader: no read passes the end, and a claimed
// length is compared with what is left before anything is allocated.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "koi/base/error.h"

namespace koi::base {

static_assert(std::endian::native == std::endian::little,
              "koi reads and writes little-endian data as it lies");

class ByteReader {
 public:
  // `where` names the source in errors (a file, or a file and a part of it).
  ByteReader(std::string_view bytes, std::string where) : bytes_(bytes), where_(std::move(where)) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }
  bool at_end() const { return remaining() == 0; }
  const std::string& where() const { return where_; }

  void seek(size_t position);
  std::string_view take(size_t count);  // throws Error(corrupt) where fewer are left
  void skip(size_t count) { take(count); }

  // A little-endian number (integer or IEEE float).
  template <typename T>
  requires std::integral<T> || std::floating_point<T> T read() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  // The bytes up to `end`, which is skipped too; throws Error(corrupt) where `end` does not come.
  std::string_view take_until(char end);

  [[noreturn]] void fail(std::string_view what, std::string_view remedy = {}) const;

 private:
  std::string_view bytes_;
  std::string where_;
  size_t position_ = 0;
};

// Appends a little-endian number.
template <typename T>
requires std::integral<T> || std::floating_point<T>
void append_bytes(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

}  // namespace koi::base
