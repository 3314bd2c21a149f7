#include "koi/tensor/parameters.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/tensor/bridge.h"

namespace koi::tensor {
namespace {

using checkpoint::StateDict;
using testing::HasSubstr;

struct Module {
  at::Tensor weight = at::empty({2, 3}), bias = at::empty({2});
  void visit(const ParameterVisitor& visitor) {
    visitor("weight", weight);
    visitor("bias", bias);
  }
};

void load(Module& module, const StateDict& state, const LoadOptions& options = {}) {
  load_parameters([&](const ParameterVisitor& visitor) { module.visit(visitor); }, state, options,
                  "model.pth");
}

std::string error_of(const StateDict& state) {
  Module module;
  try {
    load(module, state);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    return error.what();
  }
  return "no error";
}

const at::Tensor kWeight = at::arange(6, at::kFloat).view({2, 3});
const at::Tensor kBias = at::ones({2});

TEST(Parameters, AreThoseOfTheFile) {
  const StateDict state{{"bias", to_view(kBias)}, {"weight", to_view(kWeight)}};
  Module module;
  load(module, state);
  EXPECT_TRUE(at::equal(module.weight, kWeight));
  EXPECT_EQ(module.weight.const_data_ptr(), kWeight.const_data_ptr());
  load(module, state, {at::kBFloat16, at::kCPU});
  EXPECT_EQ(module.bias.scalar_type(), at::kBFloat16);
}

TEST(Parameters, WrongOnesAreNamed) {
  EXPECT_THAT(error_of({{"weight", to_view(kWeight)}}),
              HasSubstr("model.pth: lacks the tensor bias;"));
  EXPECT_THAT(error_of({{"weight", to_view(kWeight.t())}, {"bias", to_view(kBias)}}),
              HasSubstr("the tensor weight has the shape [3, 2] instead of [2, 3];"));
  EXPECT_THAT(
      error_of({{"weight", to_view(kWeight)}, {"bias", to_view(kBias)}, {"scale", to_view(kBias)}}),
      HasSubstr("has the tensor scale, which is not expected;"));
}

}  // namespace
}  // namespace koi::tensor
