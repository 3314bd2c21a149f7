// Files that torch 2.15 and Lightning 2.6.6 wrote: every one loads, with the keys, types and shapes
// that the goldens list.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "koi/base/error.h"
#include "koi/checkpoint/elements.h"
#include "koi/checkpoint/pickle_globals.h"
#include "koi/checkpoint/pth.h"
#include "koi/checkpoint/zip_reader.h"
#include "tests/support/goldens.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::checkpoint {
namespace {

using Json = nlohmann::json;

base::fs::path gunzip(const base::fs::path& packed, const test::TempDir& folder) {
  const test::RunResult result = test::run({"gzip", "-dc", packed.string()});
  EXPECT_EQ(result.status, 0) << result.err;
  const base::fs::path plain = folder / packed.stem().string();
  base::write_file(plain, result.out);
  return plain;
}

// Every .pth and .ckpt of the goldens, packed ones unpacked into `folder`.
std::vector<base::fs::path> golden_checkpoints(const test::TempDir& folder) {
  std::vector<base::fs::path> files =
      base::list_files(test::goldens_root(), [](const base::fs::path& path) {
        const std::string extension = path.extension() == ".gz" ? path.stem().extension().string()
                                                                : path.extension().string();
        return extension == ".pth" || extension == ".ckpt";
      });
  if (files.empty()) test::report_absent("a .pth or .ckpt");
  for (base::fs::path& file : files) {
    if (file.extension() == ".gz") file = gunzip(file, folder);
  }
  return files;
}

Json layout_of(const Value& value);

// ["list", …], whole numbers summed up: "list of 87 ints 0..86".
Json summed_up(const Json& items) {
  const auto is_integer = [](const Json& item) {
    return item.is_string() && item.get<std::string>().starts_with("int: ");
  };
  if (items.size() < 2 || !std::all_of(items.begin() + 1, items.end(), is_integer)) return items;
  return items.front().get<std::string>() + " of " + std::to_string(items.size() - 1) + " ints " +
         items.at(1).get<std::string>().substr(5) + ".." +
         items.back().get<std::string>().substr(5);
}

Json layout_of_items(const std::string& kind, const std::vector<Value>& items) {
  Json layout = Json::array({kind});
  for (const Value& item : items) layout.push_back(layout_of(item));
  return summed_up(layout);
}

// A value as the layout files write it down. Paths were replaced there, so strings are compared by
// their kind only.
Json layout_of(const Value& value) {
  if (const auto* tensor = value.get<TensorView>())
    return "tensor " + torch_dtype_name(tensor->dtype) + " " + shape_text(tensor->shape);
  if (const auto* flag = value.get<bool>()) return *flag ? "bool: True" : "bool: False";
  if (const auto* number = value.get<int64_t>()) return "int: " + std::to_string(*number);
  if (const auto* real = value.get<double>()) return Json(*real);
  if (value.get<std::string>() != nullptr) return "str";
  if (value.is_none()) return "NoneType: None";
  if (const List* list = value.as_list()) return layout_of_items("list", list->items);
  if (const Tuple* tuple = value.as_tuple()) return layout_of_items("tuple", tuple->items);
  Json entries = Json::object();
  if (const Dict* dict = value.as_dict()) {
    for (const auto& [key, item] : dict->items) {
      const auto* name = key.get<std::string>();
      const auto* number = key.get<int64_t>();
      entries[name != nullptr ? *name : "int:" + std::to_string(number != nullptr ? *number : -1)] =
          layout_of(item);
    }
  }
  return entries;
}

// The layout file's form of the same.
Json simplified(const Json& golden) {
  if (golden.is_string()) {
    const auto text = golden.get<std::string>();
    if (text.starts_with("str")) return "str";
    if (text.starts_with("float: ")) return std::stod(text.substr(7));
    return text;
  }
  if (golden.is_array()) {
    Json items = Json::array();
    for (const Json& item : golden) items.push_back(simplified(item));
    return summed_up(items);
  }
  Json entries = Json::object();
  for (const auto& [key, item] : golden.items()) entries[key] = simplified(item);
  return entries;
}

// The keys that hold replaced paths.
void drop_paths(Json& layout) {
  for (auto& [name, callback] : layout.at("callbacks").items()) callback.erase("best_k_models");
}

TEST(PthParity, EveryCheckpointLoads) {
  const test::TempDir folder;
  for (const base::fs::path& file : golden_checkpoints(folder)) {
    SCOPED_TRACE(file);
    const StateDict state = load_state_dict(file);
    EXPECT_FALSE(state.empty());
    for (const auto& [name, tensor] : state) EXPECT_TRUE(tensor.is_contiguous()) << name;
  }
}

TEST(PthParity, ModelHasTheTensorsOfItsManifest) {
  KOI_REQUIRE_GOLDEN("lm/tiny/model.pth");
  KOI_REQUIRE_GOLDEN("lm/tiny/manifest.txt");
  std::ifstream manifest(test::golden("lm/tiny/manifest.txt"));
  std::vector<std::string> expected;
  for (std::string line; std::getline(manifest, line);) expected.push_back(line);
  std::vector<std::string> found;
  for (const auto& [name, tensor] : load_state_dict(test::golden("lm/tiny/model.pth")))
    found.push_back(name + " " + shape_text(tensor.shape) + " " + torch_dtype_name(tensor.dtype));
  EXPECT_EQ(found, expected);
}

TEST(PthParity, LightningCheckpointsHaveTheirLayout) {
  const test::TempDir folder;
  size_t compared = 0;
  for (const base::fs::path& file : golden_checkpoints(folder)) {
    if (file.extension() != ".ckpt") continue;
    SCOPED_TRACE(file);
    // fp32_step_000000020.ckpt belongs to ckpt_layout_fp32.json.
    const std::string stem = file.stem().string();
    const std::string layout = "lm/train/ckpt_layout_" + stem.substr(0, stem.find('_')) + ".json";
    if (!test::have_golden(layout)) continue;
    Json found = layout_of(load_pth(file));
    Json expected = simplified(test::read_json(test::golden(layout)));
    drop_paths(found);
    drop_paths(expected);
    EXPECT_EQ(Json::diff(expected, found), Json::array());
    ++compared;
  }
  if (compared == 0) test::report_absent("a .ckpt with its layout");
}

// All of the file but what torch alone writes: its last record, an identifier, and behind it the
// directory, whose place and size differ by that record.
std::string without_identifier(const base::fs::path& file) {
  const std::string bytes = base::read_file(file);
  const auto records = read_zip(bytes, file.string());
  std::string kept;
  for (const ZipEntry& record : records) {
    if (record.name.ends_with(".data/serialization_id")) continue;
    kept =
        bytes.substr(0, static_cast<size_t>(record.bytes.end() - std::string_view(bytes).begin()));
  }
  return kept;
}

// The folder inside the archive: the name under which torch saved the file.
std::string archive_folder(const base::fs::path& file) {
  const auto map = base::MappedFile::open(file);
  const std::string name = read_zip(map->bytes(), file.string()).at(0).name;
  return name.substr(0, name.find('/'));
}

// Equal to the byte: names, order, padding, pickle, checksums. Not so Lightning's files: there
// torch repeats some equal strings where koi refers back.
TEST(PthParity, WritesTheBytesOfTorch) {
  const test::TempDir folder;
  size_t compared = 0;
  for (const base::fs::path& file : golden_checkpoints(folder)) {
    if (file.extension() != ".pth") continue;
    SCOPED_TRACE(file);
    const base::fs::path copy = folder / (archive_folder(file) + ".copy");
    save_pth(copy, load_pth(file));
    const std::string expected = without_identifier(file), found = without_identifier(copy);
    ASSERT_EQ(found.size(), expected.size());
    EXPECT_TRUE(found == expected)
        << "from byte "
        << std::mismatch(found.begin(), found.end(), expected.begin()).first - found.begin();
    ++compared;
  }
  if (compared == 0) test::report_absent("a .pth");
}

void append_tensor_bytes(const Value& value, std::string& bytes) {
  if (const auto* tensor = value.get<TensorView>()) bytes += gather(*tensor);
  visit_children(value, [&](const Value& child) { append_tensor_bytes(child, bytes); });
}

TEST(PthParity, WhatIsWrittenReadsBackEqual) {
  const test::TempDir folder;
  for (const base::fs::path& file : golden_checkpoints(folder)) {
    SCOPED_TRACE(file);
    const Value original = load_pth(file);
    save_pth(folder / "copy.pth", original);
    const Value copy = load_pth(folder / "copy.pth");
    EXPECT_EQ(Json::diff(layout_of(original), layout_of(copy)), Json::array());
    std::string expected, found;
    append_tensor_bytes(original, expected);
    append_tensor_bytes(copy, found);
    EXPECT_TRUE(expected == found);
  }
}

}  // namespace
}  // namespace koi::checkpoint
