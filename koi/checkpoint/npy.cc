#include "koi/checkpoint/npy.h"

#include <algorithm>

#include "koi/base/bytes.h"
#include "koi/base/error.h"
#include "koi/checkpoint/npy_header.h"

namespace koi::checkpoint {
namespace {

void swap_elements(std::string& bytes, size_t begin, size_t count, size_t element) {
  for (size_t i = 0; i < count; ++i) {
    char* first = bytes.data() + begin + i * element;
    std::reverse(first, first + element);
  }
}

std::vector<int64_t> column_major_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides =
      row_major_strides(std::vector<int64_t>(shape.rbegin(), shape.rend()));
  std::reverse(strides.begin(), strides.end());
  return strides;
}

}  // namespace

TensorView parse_npy(std::string bytes, std::string_view where) {
  const auto owner = std::make_shared<std::string>(std::move(bytes));
  base::ByteReader reader(*owner, std::string(where));
  NpyHeader header = read_npy_header(reader);
  TensorView view{header.dtype, std::move(header.shape), {}, {}, 0, owner};
  view.strides =
      header.fortran_order ? column_major_strides(view.shape) : row_major_strides(view.shape);
  view.storage = std::string_view(*owner).substr(reader.position());
  check_bounds(view, where);
  // Bytes behind the array are left alone, as numpy leaves them.
  const auto count = static_cast<size_t>(view.numel());
  const size_t element = size_of(view.dtype);
  view.storage = view.storage.substr(0, count * element);
  if (header.big_endian) swap_elements(*owner, reader.position(), count, element);
  return view;
}

TensorView read_npy(const base::fs::path& path) {
  return parse_npy(base::read_file(path), path.string());
}

std::string npy_bytes(const TensorView& array) {
  return npy_header_bytes(array.dtype, array.shape) + gather(array);
}

void write_npy(const base::fs::path& path, const TensorView& array) {
  base::write_file(path, npy_bytes(array));
}

}  // namespace koi::checkpoint
