#include "koi/checkpoint/elements.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace koi::checkpoint {
namespace {

template <typename T>
T load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

// IEEE 754 binary16.
double half_to_double(uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1f;
  const int fraction = bits & 0x3ff;
  double value = 0;
  if (exponent == 0x1f) {
    value = fraction == 0 ? std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::quiet_NaN();
  } else {
    value = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024, exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -value : value;
}

double bfloat_to_double(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

double element(DType dtype, const char* bytes) {
  switch (dtype) {
    case DType::f64:
      return load<double>(bytes);
    case DType::f32:
      return load<float>(bytes);
    case DType::f16:
      return half_to_double(load<uint16_t>(bytes));
    case DType::bf16:
      return bfloat_to_double(load<uint16_t>(bytes));
    case DType::i64:
      return static_cast<double>(load<int64_t>(bytes));
    case DType::i32:
      return load<int32_t>(bytes);
    case DType::i16:
      return load<int16_t>(bytes);
    case DType::i8:
      return load<int8_t>(bytes);
    case DType::u8:
      return load<uint8_t>(bytes);
    case DType::u16:
      return load<uint16_t>(bytes);
    case DType::u32:
      return load<uint32_t>(bytes);
    case DType::u64:
      return static_cast<double>(load<uint64_t>(bytes));
    case DType::boolean:
      return load<uint8_t>(bytes) != 0 ? 1 : 0;
  }
  return 0;
}

}  // namespace

std::vector<double> to_doubles(const TensorView& view) {
  const std::string bytes = gather(view);
  const size_t size = size_of(view.dtype);
  std::vector<double> values;
  values.reserve(bytes.size() / size);
  for (size_t i = 0; i < bytes.size(); i += size)
    values.push_back(element(view.dtype, bytes.data() + i));
  return values;
}

}  // namespace koi::checkpoint
