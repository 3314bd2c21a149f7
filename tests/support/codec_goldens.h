// The recorded codec as the parity tests use it. Header-only: the support library knows no torch.
#pragma once

#include <gmock/gmock.h>

#include <map>
#include <string>
#include <vector>

#include "koi/codec/firefly.h"
#include "koi/tensor/device.h"
#include "tests/support/tensor_near.h"
#include "tests/support/test_device.h"

namespace koi::test {

// The recorded checkpoint: the one .pth in codec/tiny.
inline std::filesystem::path codec_checkpoint() {
  return golden("codec/tiny/" + find_goldens("codec/tiny", R"(.+\.pth)").at(0).name);
}

// The one .yaml beside it.
inline codec::FireflyConfig golden_codec_config() {
  return codec::read_config(
      golden("codec/tiny/" + find_goldens("codec/tiny", R"(.+\.yaml)").at(0).name));
}

// On the tests' device; on a CPU with one thread, as the recordings were made.
inline const codec::Firefly& golden_codec() {
  static const codec::Firefly model = [] {
    tensor::set_threads(1);
    return codec::load_firefly(codec_checkpoint(), golden_codec_config(),
                               {.device = test_device()});
  }();
  return model;
}

inline std::vector<int64_t> read_integers(const std::string& path) {
  const at::Tensor values = read_tensor(path).to(at::kLong).flatten().contiguous();
  return {values.const_data_ptr<int64_t>(), values.const_data_ptr<int64_t>() + values.numel()};
}

// Equal integers, whatever their type.
inline void expect_equal(const at::Tensor& actual, const at::Tensor& recorded,
                         const std::string& what) {
  ASSERT_EQ(actual.sizes(), recorded.sizes()) << what;
  const auto integers = [](const at::Tensor& x) { return x.to(at::kCPU, at::kLong); };
  EXPECT_TRUE(at::equal(integers(actual), integers(recorded))) << what;
}

// Keeps what a run of the codec showed, by stage.
struct Stages {
  std::map<std::string, at::Tensor> values;
  codec::Trace trace() {
    return [this](const std::string& stage, const at::Tensor& value) { values[stage] = value; };
  }
};

}  // namespace koi::test
