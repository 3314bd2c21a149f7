// Merging equals the reference's merge command (fish-speech v1.4.3; lm/merge/README.md), with the
// real Lightning checkpoints of its training.
#include "koi/checkpoint/pth.h"
#include "koi/lm/merge.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tensor_near.h"

namespace koi::lm {
namespace {

using test::golden;

constexpr double kFp32 = 1e-6;   // absolute: one fp32 addition of a product of length r
constexpr double kNorms = 1e-5;  // relative: another order of summation

// The checkpoint lm/train/<precision>_step_*.ckpt, unpacked where it is a .gz; empty where there is
// none.
std::filesystem::path trained(const std::string& precision, const test::TempDir& folder) {
  for (const auto& file : test::find_goldens("lm/train", precision + R"(_step_\d+\.ckpt(\.gz)?)")) {
    const auto path = golden("lm/train/" + file.name);
    if (path.extension() != ".gz") return path;
    const test::RunResult unpacked = test::run({"gzip", "-dc", path.string()});
    EXPECT_EQ(unpacked.status, 0) << unpacked.err;
    base::write_file(folder / "adapter.ckpt", unpacked.out);
    return folder / "adapter.ckpt";
  }
  return {};
}

// The reference's base folder in `dtype`, and what merging lm/train's adapter into it gives.
struct Merge {
  test::TempDir folder;
  nlohmann::json facts;

  // Where the set lacks something that is needed, `facts` stay null.
  Merge(const std::string& precision, at::ScalarType dtype) {
    if (!test::have_model()) return;
    KOI_REQUIRE_GOLDEN("lm/merge/merge.json");
    const auto all = test::read_json(golden("lm/merge/merge.json"));
    const std::filesystem::path adapter = trained(precision, folder);
    if (!test::has_part(all, precision) || adapter.empty()) return;
    facts = all[precision];
    std::filesystem::copy(golden("lm/tiny"), folder / "base");
    DualAr base = load_model(golden("lm/tiny"), {.dtype = dtype});
    save_weights(base, folder / "base/model.pth");
    const LoraConfig lora{.r = facts.at("r"), .alpha = facts.at("alpha")};
    report = merge_checkpoint({.base = folder / "base",
                               .adapters = {{.file = load_adapter(adapter, lora)}},
                               .output = folder / "merged"});
  }
  checkpoint::StateDict state(const std::string& name) const {
    return checkpoint::load_state_dict(folder / (name + "/model.pth"));
  }
  MergeReport report;
};

TEST(MergeParity, Fp32) {
  KOI_REQUIRE_GOLDEN("lm/merge/fp32_merged_subset.pth");
  const Merge merge("fp32", at::kFloat);
  const auto& facts = merge.facts;
  if (facts.is_null()) return;
  const auto base = merge.state("base"), merged = merge.state("merged");
  const auto stored = checkpoint::load_state_dict(golden("lm/merge/fp32_merged_subset.pth"));
  ASSERT_EQ(merged.size(), base.size());
  size_t compared = 0;
  for (size_t i = 0; i < base.size(); ++i) {
    const std::string& name = base[i].first;
    EXPECT_EQ(merged[i].first, name);
    const at::Tensor old = tensor::to_tensor(base[i].second);
    const at::Tensor weight = tensor::to_tensor(merged[i].second);
    EXPECT_NEAR(test::max_difference(weight, old), facts.at("max_abs_diff").at(name).get<double>(),
                kFp32)
        << name;
    EXPECT_EQ(weight.ne(old).any().item<bool>(),
              facts.at("changed_elements").at(name).get<int64_t>() > 0)
        << name;
    const double norm = facts.at("norm").at(name);
    EXPECT_NEAR(weight.to(at::kDouble).norm().item<double>(), norm, kNorms * norm) << name;
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
  }
  EXPECT_EQ(compared, stored.size());
  EXPECT_LT(merge.report.max_difference, 1e-4);  // fp32 logits: other order of the same additions
}

TEST(MergeParity, Bf16IsEqual) {
  KOI_REQUIRE_GOLDEN("lm/merge/bf16/model.pth");
  const Merge merge("bf16", at::kBFloat16);
  if (merge.facts.is_null()) return;
  const auto merged = merge.state("merged");
  const auto stored = checkpoint::load_state_dict(golden("lm/merge/bf16/model.pth"));
  ASSERT_EQ(merged.size(), stored.size());
  for (size_t i = 0; i < stored.size(); ++i) {
    EXPECT_EQ(merged[i].first, stored[i].first);
    EXPECT_TRUE(at::equal(tensor::to_tensor(merged[i].second), tensor::to_tensor(stored[i].second)))
        << stored[i].first;
  }
}

TEST(MergeParity, ConfigIsWrittenAsTheReferenceDoes) {
  KOI_REQUIRE_GOLDEN("lm/tiny/config.json");
  KOI_REQUIRE_GOLDEN("lm/merge/config.json");
  EXPECT_EQ(config_json(read_config(golden("lm/tiny/config.json"))),
            base::read_file(golden("lm/merge/config.json")));
}

}  // namespace
}  // namespace koi::lm
