#include "koi/checkpoint/tensor_view.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/checkpoint/elements.h"

namespace koi::checkpoint {
namespace {

using testing::ElementsAre;

constexpr int64_t kHuge = int64_t{1} << 62;

// Six bytes 0..5 as u8, of any shape, strides and offset.
TensorView bytes_view(std::vector<int64_t> shape, std::vector<int64_t> strides,
                      int64_t offset = 0) {
  return {DType::u8, std::move(shape), std::move(strides), std::string_view("\0\1\2\3\4\5", 6),
          offset,    nullptr};
}

TEST(TensorView, GathersInRowMajorOrder) {
  EXPECT_THAT(to_doubles(bytes_view({2, 3}, {3, 1})), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(to_doubles(bytes_view({3, 2}, {1, 3})), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(to_doubles(bytes_view({2, 2}, {3, 2})), ElementsAre(0, 2, 3, 5));
  EXPECT_THAT(to_doubles(bytes_view({}, {}, 4)), ElementsAre(4));
  EXPECT_THAT(to_doubles(bytes_view({0, 3}, {3, 1})), ElementsAre());
}

TEST(TensorView, KnowsWhatIsContiguous) {
  EXPECT_TRUE(bytes_view({2, 3}, {3, 1}).is_contiguous());
  EXPECT_TRUE(bytes_view({1, 3}, {99, 1}).is_contiguous());
  EXPECT_TRUE(bytes_view({0, 3}, {7, 7}).is_contiguous());
  EXPECT_FALSE(bytes_view({3, 2}, {1, 3}).is_contiguous());
  EXPECT_EQ(bytes_view({2, 2}, {2, 1}, 1).bytes(), std::string_view("\1\2\3\4", 4));
  EXPECT_THROW(bytes_view({3, 2}, {1, 3}).bytes(), Error);
}

TEST(TensorView, BoundsHold) {
  EXPECT_NO_THROW(check_bounds(bytes_view({2, 3}, {3, 1}), "t"));
  EXPECT_NO_THROW(check_bounds(bytes_view({0, kHuge}, {kHuge, 1}), "t"));
  for (const TensorView& wrong :
       {bytes_view({2, 3}, {3, 1}, 1), bytes_view({2, 3}, {4, 1}), bytes_view({7}, {1}),
        bytes_view({7}, {0}), bytes_view({-1}, {1}), bytes_view({2}, {-1}, 1),
        bytes_view({2}, {1}, -1), bytes_view({2}, {1, 1}), bytes_view({kHuge, 4}, {1, 1}),
        bytes_view({0, kHuge, 4}, {1, 1, 1}), bytes_view({3, 2}, {kHuge, 1}),
        bytes_view(std::vector<int64_t>(65, 1), std::vector<int64_t>(65, 1))}) {
    EXPECT_THROW(check_bounds(wrong, "t"), Error) << shape_text(wrong.shape);
  }
}

TEST(Elements, AreDecodedByType) {
  const auto decoded = [](DType dtype, std::string_view bytes) {
    const auto count = static_cast<int64_t>(bytes.size() / size_of(dtype));
    return to_doubles(contiguous_view(dtype, {count}, bytes, nullptr));
  };
  using namespace std::string_view_literals;
  // 1, -2, the smallest subnormal, the largest number.
  EXPECT_THAT(decoded(DType::f16, "\x00\x3c\x00\xc0\x01\x00\xff\x7b"sv),
              ElementsAre(1, -2, 0x1p-24, 65504));
  EXPECT_THAT(decoded(DType::bf16, "\x80\x3f\x20\xc0"sv), ElementsAre(1, -2.5));
  EXPECT_THAT(decoded(DType::i16, "\xff\xff\x00\x80"sv), ElementsAre(-1, -32768));
  EXPECT_THAT(decoded(DType::u16, "\xff\xff"sv), ElementsAre(65535));
  EXPECT_THAT(decoded(DType::boolean, "\0\1\2"sv), ElementsAre(0, 1, 1));
}

TEST(DTypes, HaveNamesBothWays) {
  for (int i = 0; i <= static_cast<int>(DType::boolean); ++i)
    EXPECT_EQ(dtype_named(name_of(static_cast<DType>(i))), static_cast<DType>(i));
  EXPECT_EQ(dtype_named("F8_E4M3"), std::nullopt);
}

}  // namespace
}  // namespace koi::checkpoint
