#include "koi/checkpoint/content_hash.h"

#include <gtest/gtest.h>

#include "koi/base/hash.h"

namespace koi::checkpoint {
namespace {

TensorView tensor(std::vector<int64_t> shape, std::string_view bytes) {
  return contiguous_view(DType::u8, std::move(shape), bytes, nullptr);
}

TEST(ContentHash, IsThatOfTheTable) {
  const std::string table =
      "a U8 [2] " + base::sha256_hex("xy") + "\nb U8 [1, 3] " + base::sha256_hex("123") + "\n";
  EXPECT_EQ(content_hash({{"b", tensor({1, 3}, "123")}, {"a", tensor({2}, "xy")}}),
            base::sha256_hex(table));
}

TEST(ContentHash, ChangesWithEveryPart) {
  const std::string known = content_hash({{"a", tensor({2}, "xy")}});
  EXPECT_NE(content_hash({{"b", tensor({2}, "xy")}}), known);
  EXPECT_NE(content_hash({{"a", tensor({2}, "xz")}}), known);
  EXPECT_NE(content_hash({{"a", tensor({1, 2}, "xy")}}), known);
  TensorView other = tensor({2}, "xy");
  other.dtype = DType::i8;
  EXPECT_NE(content_hash({{"a", other}}), known);
  EXPECT_NE(content_hash({}), known);
}

TEST(ContentHash, OfElementsWhateverTheStrides) {
  TensorView turned = tensor({2, 2}, "abcd");
  turned.strides = {1, 2};  // a c / b d
  EXPECT_EQ(content_hash({{"a", turned}}), content_hash({{"a", tensor({2, 2}, "acbd")}}));
}

}  // namespace
}  // namespace koi::checkpoint
