#include "koi/tensor/bridge.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/checkpoint/pth.h"
#include "tests/support/temp_dir.h"

namespace koi::tensor {
namespace {

using checkpoint::DType;
using checkpoint::TensorView;

TEST(Bridge, TypesMapBothWays) {
  for (int i = 0; i <= static_cast<int>(DType::boolean); ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(dtype_of(scalar_type(dtype)), dtype);
    EXPECT_EQ(at::elementSize(scalar_type(dtype)), checkpoint::size_of(dtype));
  }
  EXPECT_THROW(dtype_of(at::kComplexFloat), Error);
}

TEST(Bridge, SharesTheBytesAndKeepsThem) {
  auto owner = std::make_shared<std::vector<float>>(std::vector<float>{0, 1, 2, 3, 4, 5});
  const std::string_view bytes(reinterpret_cast<const char*>(owner->data()), 6 * sizeof(float));
  TensorView view{DType::f32, {2, 2}, {1, 3}, bytes, 1, owner};
  const at::Tensor tensor = to_tensor(view);
  EXPECT_EQ(tensor.const_data_ptr(), owner->data() + 1);
  const std::weak_ptr<std::vector<float>> watch = owner;
  owner.reset();
  view.owner.reset();
  EXPECT_FALSE(watch.expired());
  EXPECT_TRUE(at::equal(tensor, at::tensor({1.f, 4.f, 2.f, 5.f}).view({2, 2})));
}

TEST(Bridge, OddAddressesAreCopied) {
  const auto owner = std::make_shared<std::string>(9, '\0');
  const TensorView view =
      checkpoint::contiguous_view(DType::f32, {2}, std::string_view(*owner).substr(1), owner);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(to_tensor(view).const_data_ptr()) % sizeof(float), 0u);
}

TEST(Bridge, EmptyAndScalarTensors) {
  EXPECT_EQ(to_tensor(to_view(at::zeros({0, 3}))).sizes(), at::IntArrayRef({0, 3}));
  EXPECT_EQ(to_tensor(to_view(at::scalar_tensor(7, at::kLong))).item<int64_t>(), 7);
}

TEST(Bridge, ViewsCopyOnlyWhatIsNotContiguous) {
  const at::Tensor tensor = at::arange(6).view({2, 3});
  EXPECT_EQ(to_view(tensor).storage.data(), tensor.const_data_ptr());
  const TensorView turned = to_view(tensor.t());
  EXPECT_NE(turned.storage.data(), tensor.const_data_ptr());
  EXPECT_TRUE(at::equal(to_tensor(turned), tensor.t()));
}

TEST(Bridge, TensorsGoThroughAFile) {
  const test::TempDir folder;
  const at::Tensor weight = at::arange(6).view({2, 3}).to(at::kBFloat16);
  checkpoint::save_pth(folder / "m.pth", checkpoint::from_state_dict({{"w", to_view(weight)}}));
  const auto state = checkpoint::load_state_dict(folder / "m.pth");
  EXPECT_TRUE(at::equal(to_tensor(state.at(0).second), weight));
}

}  // namespace
}  // namespace koi::tensor
