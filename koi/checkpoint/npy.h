// NumPy's .npy, versions 1 to 3. Source: numpy.lib.format's published description.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "koi/base/files.h"
#include "koi/checkpoint/tensor_view.h"

namespace koi::checkpoint {

// Any array of the types of DType. C and Fortran order (as strides), either byte order (swapped on
// reading). Object, structured and string arrays, wrong sizes and damaged headers: Error(corrupt or
// unsupported) naming `where` and what.
TensorView parse_npy(std::string bytes, std::string_view where);
TensorView read_npy(const base::fs::path& path);

// Codes of one recording: K codebooks x T frames, row-major.
struct Codes {
  int64_t codebooks = 0;
  int64_t frames = 0;
  std::vector<int32_t> values;
  int32_t at(int64_t k, int64_t t) const { return values[static_cast<size_t>(k * frames + t)]; }
};
// A 2-D integer (or float holding integers) array as codes. Throws Error(corrupt) for other ranks,
// fractions, negative values or values over 2^31-1.
Codes to_codes(const TensorView& array, std::string_view where);
Codes read_codes(const base::fs::path& path);

// Version 1.0, C order, header padded so that the data begins at a multiple of 64, as numpy writes
// it.
std::string npy_bytes(const TensorView& array);
void write_npy(const base::fs::path& path, const TensorView& array);
void write_codes(const base::fs::path& path, const Codes& codes);  // <i4 [K, T]

}  // namespace koi::checkpoint
