#include "koi/checkpoint/pth.h"

#include <gmock/gmock.h>

#include <map>

#include "koi/base/bytes.h"
#include "koi/base/error.h"
#include "koi/checkpoint/crc32.h"
#include "koi/checkpoint/zip_reader.h"
#include "koi/checkpoint/zip_records.h"
#include "tests/support/temp_dir.h"

namespace koi::checkpoint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TensorView floats(const std::shared_ptr<std::vector<float>>& values) {
  const std::string_view bytes(reinterpret_cast<const char*>(values->data()),
                               values->size() * sizeof(float));
  return contiguous_view(DType::f32, {static_cast<int64_t>(values->size())}, bytes, values);
}

Value two_names_of_one_tensor() {
  const TensorView tensor = floats(std::make_shared<std::vector<float>>(std::vector<float>{1, 2}));
  return from_state_dict({{"embeddings.weight", tensor}, {"output.weight", tensor}});
}

std::string error_of(const base::fs::path& file, ErrorKind kind) {
  try {
    load_state_dict(file);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "no error";
}

TEST(Pth, RecordsAreThoseOfTorch) {
  const test::TempDir folder;
  save_pth(folder / "model.pth", two_names_of_one_tensor());
  const std::string bytes = base::read_file(folder / "model.pth");
  std::vector<std::string> names;
  std::map<std::string, std::string_view> contents;
  for (const ZipEntry& entry : read_zip(bytes, "model.pth")) {
    names.push_back(entry.name);
    EXPECT_EQ((entry.bytes.data() - bytes.data()) % 64, 0) << entry.name;
    EXPECT_EQ(crc32(entry.bytes), entry.crc) << entry.name;
    contents[entry.name] = entry.bytes;
  }
  EXPECT_THAT(names,
              ElementsAre("model/data.pkl", "model/.format_version", "model/.storage_alignment",
                          "model/byteorder", "model/data/0", "model/version"));
  EXPECT_THAT(contents["model/data.pkl"], StartsWith("\x80\x02"
                                                     "ccollections\nOrderedDict\nq"));
  EXPECT_EQ(contents["model/version"], "3\n");
  EXPECT_EQ(contents["model/data/0"].size(), 2 * sizeof(float));
}

TEST(Pth, SharedStoragesStayShared) {
  const test::TempDir folder;
  save_pth(folder / "model.pth", two_names_of_one_tensor());
  const StateDict state = load_state_dict(folder / "model.pth");
  ASSERT_EQ(state.size(), 2u);
  EXPECT_EQ(state[0].second.storage.data(), state[1].second.storage.data());
}

TEST(Pth, StateDictIsFoundInItsWrapping) {
  const test::TempDir folder;
  save_pth(folder / "a.ckpt",
           Value::dict({{std::string("epoch"), 3},
                        {std::string("state_dict"), two_names_of_one_tensor()}}));
  EXPECT_EQ(load_state_dict(folder / "a.ckpt").size(), 2u);
  save_pth(folder / "b.ckpt", Value::dict({{std::string("epoch"), 3}}));
  EXPECT_THAT(error_of(folder / "b.ckpt", ErrorKind::corrupt), HasSubstr("epoch is no tensor"));
  save_pth(folder / "c.ckpt", Value::list());
  EXPECT_THAT(error_of(folder / "c.ckpt", ErrorKind::corrupt), HasSubstr("no dict of tensors"));
}

TEST(Pth, OtherFilesAreNamed) {
  const test::TempDir folder;
  const auto written = [&](std::string_view bytes) {
    base::write_file(folder / "x.pth", bytes);
    return folder / "x.pth";
  };
  EXPECT_THAT(error_of(written(""), ErrorKind::corrupt), HasSubstr("is empty"));
  EXPECT_THAT(error_of(written("version https://git-lfs"), ErrorKind::corrupt),
              HasSubstr("is no file of torch.save"));
  EXPECT_THAT(error_of(written({"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15}),
                       ErrorKind::unsupported),
              HasSubstr("save it again with torch 1.6 or later"));
  EXPECT_THAT(error_of(folder / "missing.pth", ErrorKind::not_found), HasSubstr("no such file"));
  save_pth(folder / "whole.pth", two_names_of_one_tensor());
  const std::string whole = base::read_file(folder / "whole.pth");
  for (const size_t cut : {size_t{4}, whole.size() / 2, whole.size() - 1})
    EXPECT_THAT(error_of(written(whole.substr(0, cut)), ErrorKind::corrupt), HasSubstr("cut off"));
}

TEST(Pth, AFlippedBitInThePickleIsFound) {
  const test::TempDir folder;
  save_pth(folder / "a.pth", two_names_of_one_tensor());
  std::string bytes = base::read_file(folder / "a.pth");
  bytes[bytes.find("embeddings")] ^= 1;
  base::write_file(folder / "a.pth", bytes);
  EXPECT_THAT(error_of(folder / "a.pth", ErrorKind::corrupt),
              HasSubstr("a/data.pkl does not match its checksum"));
}

TEST(Pth, CirclesAreNotWritten) {
  const test::TempDir folder;
  const auto list = std::make_shared<List>();
  list->items.emplace_back(list);
  EXPECT_THROW(save_pth(folder / "a.pth", list), Error);
  EXPECT_FALSE(base::fs::exists(folder / "a.pth"));
  list->items.clear();
}

// A record that lies beyond 4 GiB and is as large: the numbers move into the zip64 fields.
TEST(ZipRecords, LargeNumbersTakeZip64Fields) {
  constexpr uint64_t kSize = (uint64_t{1} << 32) + 5, kOffset = uint64_t{7} << 32;
  const ZipRecord record{"m/data/0", kSize, kOffset, 1};
  EXPECT_EQ((kOffset + zip_local_header(record).size()) % 64, 0u);
  EXPECT_EQ(zip_data_descriptor(record).size(), 4 + 4 + 8 + 8u);
  const std::string bytes = zip_directory_entry(record);
  base::ByteReader reader(bytes, "entry");
  reader.seek(20);
  EXPECT_EQ(reader.read<uint32_t>(), 0xffffffff);
  EXPECT_EQ(reader.read<uint32_t>(), 0xffffffff);
  reader.seek(46 + record.name.size());
  EXPECT_EQ(reader.read<uint16_t>(), 1);
  EXPECT_EQ(reader.read<uint16_t>(), 24);
  EXPECT_EQ(reader.read<uint64_t>(), kSize);
  EXPECT_EQ(reader.read<uint64_t>(), kSize);
  EXPECT_EQ(reader.read<uint64_t>(), kOffset);
  EXPECT_TRUE(reader.at_end());
}

}  // namespace
}  // namespace koi::checkpoint
