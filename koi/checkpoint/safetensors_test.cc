#include "koi/checkpoint/safetensors.h"

#include <gmock/gmock.h>

#include "koi/base/bytes.h"
#include "koi/base/error.h"
#include "koi/checkpoint/pth.h"
#include "tests/support/temp_dir.h"

namespace koi::checkpoint {
namespace {

std::string file_of(const std::string& header, size_t data_bytes) {
  std::string bytes;
  base::append_bytes(bytes, uint64_t{header.size()});
  return bytes + header + std::string(data_bytes, '\0');
}

TEST(Safetensors, ComesBack) {
  const test::TempDir folder;
  const std::string data("\0\1\2\3\4\5", 6);
  TensorView turned = contiguous_view(DType::u8, {3, 2}, data, nullptr);
  turned.strides = {1, 3};
  const SafetensorsFile file{
      {{"z", turned}, {"a", contiguous_view(DType::bf16, {1, 3}, data, nullptr)}},
      {{"format", "pt"}}};
  save_safetensors(folder / "한글.safetensors", file);
  const SafetensorsFile back = load_safetensors(folder / "한글.safetensors");
  EXPECT_EQ(back.metadata, file.metadata);
  ASSERT_EQ(back.tensors.size(), 2u);
  EXPECT_EQ(back.tensors[0].first, "z");
  EXPECT_EQ(back.tensors[0].second.bytes(), std::string_view("\0\3\1\4\2\5", 6));
  EXPECT_EQ(back.tensors[1].second.dtype, DType::bf16);
  EXPECT_EQ(load_state_dict(folder / "한글.safetensors").size(), 2u);
}

TEST(Safetensors, DamageNamesTheTensor) {
  const auto error_of = [](const std::string& bytes) -> std::string {
    try {
      parse_safetensors(bytes, nullptr, "m.safetensors");
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  const auto one = [](const std::string& facts) { return R"({"w":{)" + facts + "}}"; };
  const std::string sound = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";
  EXPECT_EQ(error_of(file_of(one(sound), 8)), "no error");
  for (const std::string& bytes :
       {file_of(one(sound), 4), file_of(one(sound), 9),
        file_of(one(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"), 8),
        file_of(one(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), 8),
        file_of(one(R"("dtype":"F32","shape":[2],"data_offsets":[4,12])"), 12),
        file_of(one(R"("dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8])"), 8),
        file_of(one(R"("shape":[8],"data_offsets":[0,8])"), 8), file_of("{\"w\":", 0),
        file_of("{\"w\":[[[[[[", 0), std::string("{}")}) {
    EXPECT_THAT(error_of(bytes), testing::StartsWith("m.safetensors: ")) << bytes;
  }
}

}  // namespace
}  // namespace koi::checkpoint
