#include "koi/checkpoint/npy.h"

#include <gmock/gmock.h>

#include <limits>

#include "koi/base/error.h"
#include "koi/checkpoint/elements.h"
#include "tests/support/temp_dir.h"

namespace koi::checkpoint {
namespace {

template <typename T>
TensorView array_of(DType dtype, std::vector<int64_t> shape, const std::vector<T>& values) {
  const auto bytes = std::make_shared<std::string>(reinterpret_cast<const char*>(values.data()),
                                                   values.size() * sizeof(T));
  return contiguous_view(dtype, std::move(shape), *bytes, bytes);
}

TEST(Npy, HeaderIsNumpys) {
  const std::string bytes = npy_bytes(array_of<int32_t>(DType::i32, {8, 0}, {}));
  EXPECT_EQ(bytes.size(), 128u);
  EXPECT_EQ(bytes.substr(0, 10), std::string_view("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_THAT(bytes.substr(10),
              testing::StartsWith("{'descr': '<i4', 'fortran_order': False, 'shape': (8, 0), }  "));
  EXPECT_EQ(bytes.back(), '\n');
}

TEST(Npy, CodesComeBack) {
  const test::TempDir folder;
  const Codes codes{2, 3, {0, 1, 2, 1023, 4, 5}};
  write_codes(folder / "한글.npy", codes);
  const Codes read = read_codes(folder / "한글.npy");
  EXPECT_EQ(read.codebooks, 2);
  EXPECT_EQ(read.frames, 3);
  EXPECT_EQ(read.values, codes.values);
  EXPECT_EQ(read.at(1, 0), 1023);
}

TEST(Npy, WhatIsNoCodesIsRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(to_codes(array_of<int64_t>(DType::i64, {2}, {1, 2}), "a"), Error);
  EXPECT_THROW(to_codes(array_of<int64_t>(DType::i64, {1, 1}, {-1}), "a"), Error);
  EXPECT_THROW(to_codes(array_of<int64_t>(DType::i64, {1, 1}, {int64_t{1} << 31}), "a"), Error);
  EXPECT_THROW(to_codes(array_of<float>(DType::f32, {1, 1}, {0.5f}), "a"), Error);
  EXPECT_THROW(to_codes(array_of<double>(DType::f64, {1, 1}, {nan}), "a"), Error);
  EXPECT_THROW(to_codes(array_of<uint8_t>(DType::boolean, {1, 1}, {1}), "a"), Error);
  EXPECT_EQ(to_codes(array_of<float>(DType::f32, {1, 2}, {7, 0}), "a").values,
            (std::vector<int32_t>{7, 0}));
}

TEST(Npy, Bf16HasNoType) {
  EXPECT_THROW(npy_bytes(array_of<uint16_t>(DType::bf16, {1}, {0})), Error);
}

}  // namespace
}  // namespace koi::checkpoint
