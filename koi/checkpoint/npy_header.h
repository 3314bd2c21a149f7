// The header of a .npy file: a Python literal, {'descr': '<i4', 'fortran_order': False, 'shape':
// (8, 7), }.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "koi/base/bytes.h"
#include "koi/checkpoint/dtype.h"

namespace koi::checkpoint {

struct NpyHeader {
  DType dtype = DType::f32;
  bool big_endian = false;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

// Reads magic, version and header; `bytes` stands at the data behind it. Accepts what numpy accepts
// of plain number types (other spacing, quotes, order of keys, Python 2's 8L, type names), refuses
// negative dimensions, other kinds of types and headers over numpy's limit of 10,000 bytes.
NpyHeader read_npy_header(base::ByteReader& bytes);

// Magic, version 1.0 and the padded header as numpy 1.26 writes them.
std::string npy_header_bytes(DType dtype, const std::vector<int64_t>& shape);

}  // namespace koi::checkpoint
