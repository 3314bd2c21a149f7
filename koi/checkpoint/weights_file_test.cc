#include "koi/checkpoint/weights_file.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/checkpoint/pth.h"
#include "koi/checkpoint/safetensors.h"
#include "tests/support/temp_dir.h"

namespace koi::checkpoint {
namespace {

using testing::HasSubstr;

StateDict state_of(DType dtype) {
  static const std::string bytes(16, '\0');
  const auto count = static_cast<int64_t>(bytes.size() / size_of(dtype));
  return {{"output.weight", contiguous_view(dtype, {1, count}, bytes, nullptr)}};
}

std::string refusal(const base::fs::path& folder) {
  try {
    require_full_weights(load_weights(folder));
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(WeightsFile, TheOneThatIsThere) {
  const test::TempDir folder;
  EXPECT_EQ(find_weights(folder.path()), folder / "model.pth");
  EXPECT_THAT(refusal(folder.path()), HasSubstr("model.pth: no such file"));
  base::write_file(folder / "model.safetensors", "x");
  EXPECT_EQ(find_weights(folder.path()), folder / "model.safetensors");
  base::write_file(folder / "model.pth", "x");
  EXPECT_THAT(refusal(folder.path()), HasSubstr("holds both"));
}

TEST(WeightsFile, QuantisedWeightsCannotBeTrained) {
  for (const DType dtype : {DType::i8, DType::u8}) EXPECT_TRUE(is_quantised(state_of(dtype)));
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16})
    EXPECT_FALSE(is_quantised(state_of(dtype)));
  const test::TempDir folder;
  save_pth(folder / "model.pth", from_state_dict(state_of(DType::bf16)));
  EXPECT_EQ(refusal(folder.path()), "accepted");
  save_pth(folder / "model.pth", from_state_dict(state_of(DType::i8)));
  EXPECT_THAT(refusal(folder.path()), HasSubstr("model.pth: holds quantised weights"));
}

TEST(WeightsFile, LaterLayoutsAreRefused) {
  const test::TempDir folder;
  const auto save = [&](const std::string& layout) {
    save_safetensors(folder / kStoredWeights, {state_of(DType::bf16), {{kLayoutKey, layout}}});
  };
  save("1");
  EXPECT_EQ(load_weights(folder.path()).metadata.at(kLayoutKey), "1");
  save("2");
  EXPECT_THAT(refusal(folder.path()), HasSubstr("has the layout 2, known is 1"));
}

}  // namespace
}  // namespace koi::checkpoint
