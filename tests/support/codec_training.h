// A training of a very small codec, step by step.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "koi/codec_train/trainer.h"
#include "koi/tensor/device.h"
#include "tests/support/small_codec_run.h"

namespace koi::test {

class CodecTraining : public testing::Test {
 protected:
  using Weights = std::vector<std::pair<std::string, at::Tensor>>;

  void SetUp() override {
    tensor::set_threads(1);
    write_recordings(at_ / "recordings", 5);
  }
  // What a test holds together: a trainer refers to settings and recordings.
  struct Training {
    Training(const base::fs::path& at, const std::vector<std::string>& more)
        : settings(small_codec_settings(at, more)),
          recordings(settings, at / "data", [](const std::string&) {}, {}),
          trainer(settings, recordings, at / "codes") {}
    codec_train::Settings settings;
    codec_train::Recordings recordings;
    codec_train::Trainer trainer;
  };
  std::unique_ptr<Training> make(const std::vector<std::string>& more = {}) {
    return std::make_unique<Training>(at_.path(), more);
  }
  static Weights weights(codec_train::Trainer& trainer) {
    Weights copies;
    trainer.model().visit([&](const std::string& name, at::Tensor& value) {
      copies.emplace_back(name, value.detach().clone());
    });
    return copies;
  }
  static void expect_same(const Weights& a, const Weights& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i)
      EXPECT_TRUE(at::equal(a[i].second, b[i].second)) << a[i].first;
  }
  static double value(const codec_train::Values& values, const std::string& name) {
    for (const auto& [key, number] : values)
      if (key == name) return number;
    ADD_FAILURE() << name;
    return 0;
  }

  TempDir at_;
};

}  // namespace koi::test
