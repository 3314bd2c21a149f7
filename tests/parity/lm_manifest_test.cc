// The model's parameters are those of the published checkpoints: names, shapes, order
// (lm/manifest_full.txt, lm/tiny/manifest.txt).
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "koi/lm/checkpoint.h"
#include "koi/lm/presets.h"
#include "tests/support/goldens.h"

namespace koi::lm {
namespace {

using test::golden;

// The lines "name [shape]" of a manifest, in parts that begin with a line "# ... r=R ...".
std::vector<std::vector<std::string>> read_parts(const std::filesystem::path& path) {
  std::vector<std::vector<std::string>> parts;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#") || parts.empty()) parts.emplace_back();
    if (!line.starts_with("#")) parts.back().push_back(line);
  }
  return parts;
}

std::vector<std::string> lines_of(
    const std::function<void(const tensor::ParameterVisitor&)>& visit) {
  std::vector<std::string> lines;
  visit([&](const std::string& name, at::Tensor& parameter) {
    lines.push_back(name + " " + checkpoint::shape_text(parameter.sizes().vec()));
  });
  return lines;
}

TEST(ManifestParity, PublishedSizeAndItsAdapters) {
  KOI_REQUIRE_GOLDEN("lm/manifest_full.txt");
  const auto parts = read_parts(golden("lm/manifest_full.txt"));
  ASSERT_EQ(parts.size(), 2u);
  // No tensor has storage here: the model takes no memory.
  DualAr model(parse_config(preset_json("fish-speech-1.4"), "preset"), /*semantic_token_id=*/5);
  EXPECT_EQ(lines_of([&](const auto& v) { model.visit(v); }), parts[0]);
  const std::string first = parts[1].at(0);  // "embeddings.lora_A [r, num]"
  const int64_t r = std::stoll(first.substr(first.find('[') + 1));
  add_lora(model, {.r = r}, /*seed=*/1);
  EXPECT_EQ(lines_of([&](const auto& v) { model.visit_lora(v); }), parts[1]);
}

TEST(ManifestParity, Tiny) {
  if (!test::have_model()) return;
  KOI_REQUIRE_GOLDEN("lm/tiny/manifest.txt");
  DualAr model = load_model(golden("lm/tiny"), {.dtype = std::nullopt});
  const std::map<at::ScalarType, std::string> names = {
      {at::kFloat, "float32"}, {at::kBFloat16, "bfloat16"}, {at::kHalf, "float16"}};
  std::vector<std::string> lines = lines_of([&](const auto& v) { model.visit(v); });
  for (std::string& line : lines) line += " " + names.at(model.dtype());
  EXPECT_EQ(lines, read_parts(golden("lm/tiny/manifest.txt")).at(0));
}

}  // namespace
}  // namespace koi::lm
