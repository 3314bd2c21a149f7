// Codes in .npy files.
#include <cmath>
#include <limits>

#include "koi/base/error.h"
#include "koi/checkpoint/elements.h"
#include "koi/checkpoint/npy.h"

namespace koi::checkpoint {
namespace {

[[noreturn]] void refuse(std::string_view where, const std::string& what) {
  throw Error(ErrorKind::corrupt, where, what,
              "codes are whole numbers from 0 in a [codebooks, frames] array");
}

}  // namespace

Codes to_codes(const TensorView& array, std::string_view where) {
  if (array.shape.size() != 2)
    refuse(where, "has the shape " + shape_text(array.shape) + " instead of [codebooks, frames]");
  if (array.dtype == DType::boolean) refuse(where, "holds truth values");
  Codes codes{array.shape[0], array.shape[1], {}};
  codes.values.reserve(static_cast<size_t>(array.numel()));
  for (const double value : to_doubles(array)) {
    // Written so that a NaN is refused too.
    const bool sound = value >= 0 && value <= std::numeric_limits<int32_t>::max();
    if (!sound || std::trunc(value) != value)
      refuse(where, "holds the code " + std::to_string(value));
    codes.values.push_back(static_cast<int32_t>(value));
  }
  return codes;
}

Codes read_codes(const base::fs::path& path) { return to_codes(read_npy(path), path.string()); }

void write_codes(const base::fs::path& path, const Codes& codes) {
  const std::string_view bytes(reinterpret_cast<const char*>(codes.values.data()),
                               codes.values.size() * sizeof(int32_t));
  write_npy(path, contiguous_view(DType::i32, {codes.codebooks, codes.frames}, bytes, nullptr));
}

}  // namespace koi::checkpoint
