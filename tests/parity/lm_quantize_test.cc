// int8 weights are the reference's (fish-speech v1.4.3, torch 2.15; how its files were made:
// lm/quantize/README.md): the integers that koi makes, and what koi computes with those that the
// reference made.
#include <cmath>
#include <map>

#include "koi/checkpoint/pth.h"
#include "koi/kernels/matrix.h"
#include "koi/lm/checkpoint.h"
#include "koi/lm/quantize.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tensor_near.h"

namespace koi::lm {
namespace {

namespace fs = base::fs;
using checkpoint::StateDict;
using checkpoint::TensorView;
using kernels::Format;
using test::golden;

constexpr double kLogits = 1e-4;  // fp32, as in lm_forward_test
constexpr double kBf16 = 0.3;     // a last bit of the residual stream, through all layers

// The recorded model in bfloat16, as the reference loads it before it converts.
void write_base(const fs::path& folder) {
  DualAr model = load_model(golden("lm/tiny"), {.dtype = at::kBFloat16});
  base::make_folder(folder);
  copy_companions(golden("lm/tiny"), folder);
  save_weights(model, folder / "model.pth");
}

// The reference's own file: recorded integers and scales, the rest in bfloat16.
void write_recorded(const fs::path& folder) {
  write_base(folder);
  const StateDict recorded = checkpoint::load_state_dict(golden("lm/quantize/int8_linears.pth"));
  StateDict state;
  for (const auto& [key, view] : checkpoint::load_state_dict(folder / "model.pth")) {
    const TensorView* quantised = checkpoint::find(recorded, key);
    state.emplace_back(key, quantised != nullptr ? *quantised : view);
  }
  for (const auto& [key, view] : recorded)
    if (key.ends_with(".scales")) state.emplace_back(key, view);
  checkpoint::save_pth(folder / "model.pth", checkpoint::from_state_dict(state));
}

bool have_recorded() {
  return test::have_model() && test::have_golden("lm/quantize/int8_linears.pth");
}

TEST(QuantizeParity, TheSameIntegersAndScales) {
  if (!have_recorded()) return;
  const test::TempDir folder;
  write_base(folder / "base");
  quantize_checkpoint({.base = folder / "base",
                       .formats = {.slow = Format::int8, .fast = Format::int8},
                       .adapters = {},
                       .output = folder / "int8"});
  const StateDict made = checkpoint::load_state_dict(folder / "int8/model.safetensors");
  size_t compared = 0;
  for (const auto& [key, view] :
       checkpoint::load_state_dict(golden("lm/quantize/int8_linears.pth"))) {
    const TensorView* ours = checkpoint::find(made, key);
    ASSERT_NE(ours, nullptr) << key;
    EXPECT_EQ(ours->dtype, view.dtype) << key;
    EXPECT_EQ(ours->shape, view.shape) << key;
    EXPECT_EQ(checkpoint::gather(*ours), checkpoint::gather(view)) << key;
    ++compared;
  }
  EXPECT_GT(compared, 0U);
  if (!test::have_golden("lm/quantize/quantize.json")) return;
  const auto facts = test::read_json(golden("lm/quantize/quantize.json"));
  if (!test::has_part(facts, "state_dict")) return;
  // All keys and dtypes; koi's file has another order.
  EXPECT_EQ(made.size(), facts["state_dict"].size());
  for (const auto& [key, view] : made) {
    ASSERT_TRUE(facts["state_dict"].contains(key)) << key;
    const std::string text = std::string(c10::toString(tensor::scalar_type(view.dtype)));
    const std::map<std::string, std::string> names{{"Char", "int8"}, {"BFloat16", "bfloat16"}};
    EXPECT_EQ(facts["state_dict"][key], names.at(text) + " " + checkpoint::shape_text(view.shape));
  }
}

TEST(QuantizeParity, UnitCases) {
  KOI_REQUIRE_GOLDEN("lm/quantize/quantize.json");
  const auto facts = test::read_json(golden("lm/quantize/quantize.json"));
  if (!test::has_part(facts, "unit")) return;
  const auto rows = facts["unit"]["w"].get<std::vector<std::vector<float>>>();
  const auto steps = facts["unit"]["q"].get<std::vector<std::vector<int>>>();
  const auto scales = facts["unit"]["scales"].get<std::vector<float>>();
  kernels::Arena arena;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto matrix = kernels::make_matrix(
        {.rows = 1, .columns = static_cast<int64_t>(rows[i].size()), .values = rows[i].data()},
        Format::int8, arena, 1);
    const auto* values = static_cast<const int8_t*>(matrix.values);
    EXPECT_EQ(std::vector<int>(values, values + rows[i].size()), steps[i]) << i;
    // Recorded in fp32; koi's are those of the files, in bf16.
    EXPECT_EQ(matrix.scales[0], kernels::bf16_to_f32(kernels::f32_to_bf16(scales[i]))) << i;
  }
}

TEST(QuantizeParity, LogitsOfTheReferencesFile) {
  if (!have_recorded() || !test::have_batch("lm/forward/batch")) return;
  const test::TempDir folder;
  write_recorded(folder / "int8");
  const at::Tensor inputs = test::read_tensor("lm/forward/batch_inputs.npy").slice(0, 0, 1);
  const at::Tensor padding =
      test::read_tensor("lm/forward/batch_attention_masks.npy").slice(0, 0, 1);
  const struct {
    const char* name;
    at::ScalarType dtype;
    double tolerance;
  } cases[] = {{"fp32", at::kFloat, kLogits}, {"bf16", at::kBFloat16, kBf16}};
  for (const auto& [name, dtype, tolerance] : cases) {
    const DualAr model = load_model(folder / "int8", {.dtype = dtype, .widen = true});
    const DualArOutput output = model.forward(inputs, padding, {});
    const std::string prefix = std::string("lm/quantize/int8_") + name;
    test::expect_recorded(output.token_logits[0], prefix + "_token_logits_row0.npy", tolerance);
    if (dtype != at::kFloat) continue;  // of bf16 the tokens' are recorded
    for (const test::NamedPart& file :
         test::find_goldens("lm/quantize", R"(int8_fp32_codebook_logits_row0_stride(\d+)\.npy)")) {
      test::expect_recorded(
          output.codebook_logits[0].slice(-1, 0, std::nullopt, std::stoll(file.groups.at(0))),
          "lm/quantize/" + file.name, tolerance);
    }
  }
}

}  // namespace
}  // namespace koi::lm
