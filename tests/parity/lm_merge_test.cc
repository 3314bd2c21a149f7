// Merging equals the reference's merge command (fish-speech v1.4.3; lm/merge/README.md), with the
// real Lightning checkpoints of its training.
#include "koi/checkpoint/pth.h"
#include "koi/lm/checkpoint.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tensor_near.h"

namespace koi::lm {
namespace {

using test::golden;

constexpr double kFp32 = 1e-6;  // absolute: one fp32 addition of a product of length r
constexpr double kSums = 1e-5;  // relative, of the norms: the order of summation is another one

// The checkpoint lm/train/<precision>_step_*.ckpt, unpacked where it is a .gz.
std::filesystem::path trained(const std::string& precision, const test::TempDir& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(golden("lm/train"))) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(precision + "_step_")) continue;
    if (name.ends_with(".ckpt")) return entry.path();
    if (!name.ends_with(".ckpt.gz")) continue;
    const test::RunResult unpacked = test::run({"gzip", "-dc", entry.path().string()});
    EXPECT_EQ(unpacked.status, 0) << unpacked.err;
    base::write_file(folder / "adapter.ckpt", unpacked.out);
    return folder / "adapter.ckpt";
  }
  ADD_FAILURE() << "no checkpoint of " << precision;
  return {};
}

DualAr merge(const std::string& precision, const nlohmann::json& facts, at::ScalarType dtype) {
  const test::TempDir folder;
  const auto adapter = trained(precision, folder);
  DualAr model = load_model(golden("lm/tiny"), {.dtype = dtype});
  add_lora(model, {.r = facts.at("r"), .alpha = facts.at("alpha")}, /*seed=*/1);
  load_lora(model, checkpoint::load_state_dict(adapter), adapter.string());
  merge_lora(model);
  return model;
}

TEST(MergeParity, Fp32) {
  KOI_REQUIRE_GOLDEN("lm/merge/fp32_merged_subset.pth");
  const auto facts = test::read_json(golden("lm/merge/merge.json")).at("fp32");
  DualAr base = load_model(golden("lm/tiny"), {});
  DualAr model = merge("fp32", facts, at::kFloat);
  tensor::NamedTensors before;
  base.visit([&](const std::string& name, at::Tensor& p) { before.emplace_back(name, p); });

  const auto stored = checkpoint::load_state_dict(golden("lm/merge/fp32_merged_subset.pth"));
  size_t compared = 0, place = 0;
  model.visit([&](const std::string& name, at::Tensor& weight) {
    const at::Tensor& old = before.at(place++).second;
    EXPECT_NEAR(test::max_difference(weight, old), facts.at("max_abs_diff").at(name).get<double>(),
                kFp32)
        << name;
    EXPECT_EQ(weight.ne(old).any().item<bool>(),
              facts.at("changed_elements").at(name).get<int64_t>() > 0)
        << name;
    const double norm = facts.at("norm").at(name);
    EXPECT_NEAR(weight.to(at::kDouble).norm().item<double>(), norm, kSums * norm) << name;
    if (const auto* whole = checkpoint::find(stored, name)) {
      test::expect_near(weight, tensor::to_tensor(*whole), kFp32, name);
      ++compared;
    } else if (const auto* rows = checkpoint::find(stored, name + "/changed_rows")) {
      const auto* values = checkpoint::find(stored, name + "/values");
      ASSERT_NE(values, nullptr) << name;
      test::expect_near(weight.index_select(0, tensor::to_tensor(*rows).to(at::kLong)),
                        tensor::to_tensor(*values), kFp32, name);
      compared += 2;
    }
  });
  EXPECT_EQ(compared, stored.size());
}

TEST(MergeParity, Bf16IsEqual) {
  KOI_REQUIRE_GOLDEN("lm/merge/bf16/model.pth");
  const auto facts = test::read_json(golden("lm/merge/merge.json")).at("bf16");
  DualAr model = merge("bf16", facts, at::kBFloat16);
  const auto stored = checkpoint::load_state_dict(golden("lm/merge/bf16/model.pth"));
  size_t place = 0;
  model.visit([&](const std::string& name, at::Tensor& weight) {
    const auto& [expected_name, expected] = stored.at(place++);
    EXPECT_EQ(name, expected_name);
    EXPECT_TRUE(at::equal(weight, tensor::to_tensor(expected))) << name;
  });
  EXPECT_EQ(place, stored.size());
}

TEST(MergeParity, ConfigIsWrittenAsTheReferenceDoes) {
  KOI_REQUIRE_GOLDEN("lm/merge/config.json");
  EXPECT_EQ(config_json(read_config(golden("lm/tiny/config.json"))),
            base::read_file(golden("lm/merge/config.json")));
}

}  // namespace
}  // namespace koi::lm
