#include "koi/base/bytes.h"

namespace koi::base {

void ByteReader::seek(size_t position) {
  if (position > bytes_.size()) {
    fail("points to byte " + std::to_string(position) + ", but it ends at " +
         std::to_string(bytes_.size()));
  }
  position_ = position;
}

std::string_view ByteReader::take(size_t count) {
  if (count > remaining()) {
    fail("ends early: " + std::to_string(count) + " bytes expected at byte " +
         std::to_string(position_) + ", " + std::to_string(remaining()) + " left");
  }
  const std::string_view taken = bytes_.substr(position_, count);
  position_ += count;
  return taken;
}

std::string_view ByteReader::take_until(char end) {
  const size_t found = bytes_.find(end, position_);
  if (found == std::string_view::npos)
    fail("ends inside a line that begins at byte " + std::to_string(position_));
  const std::string_view taken = take(found - position_);
  skip(1);
  return taken;
}

void ByteReader::fail(std::string_view what, std::string_view remedy) const {
  throw Error(ErrorKind::corrupt, where_, what, remedy);
}

}  // namespace koi::base
