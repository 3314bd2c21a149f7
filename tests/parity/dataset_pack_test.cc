// Packing against the reference's build_dataset (fish-speech v1.4.3): every recorded run again on
// the recorded input. Shards are equal byte for byte or wrong; there is no tolerance.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>

#include "koi/base/error.h"
#include "koi/base/files.h"
#include "koi/base/hash.h"
#include "koi/checkpoint/npy.h"
#include "koi/dataset/pack.h"
#include "koi/dataset/shard.h"
#include "tests/support/goldens.h"
#include "tests/support/temp_dir.h"

namespace koi::dataset {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Any array as a .npy file with the given descr; `bytes` are its elements.
std::string npy(const std::string& descr, const std::string& shape, const std::string& bytes) {
  std::string header =
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header.push_back('\n');
  std::string file("\x93NUMPY\x01\x00", 8);
  file.push_back(static_cast<char>(header.size() & 0xff));
  file.push_back(static_cast<char>(header.size() >> 8));
  return file + header + bytes;
}

template <typename T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

void write_pair(const fs::path& stem, const std::string& codes, const std::string& text) {
  fs::create_directories(stem.parent_path());
  base::write_file(stem.string() + ".npy", codes);
  base::write_file(stem.string() + ".lab", text);
}

// The README's roll_1mib: only the recipe is kept.
void write_roll(const fs::path& folder) {
  constexpr int64_t kBooks = 8, kFrames = 24000;
  for (int64_t s = 0; s < 5; ++s) {
    std::vector<int64_t> codes;
    for (int64_t k = 0; k < kBooks; ++k) {
      for (int64_t n = 0; n < kFrames; ++n) codes.push_back((k * 131 + n * 7 + s * 17) % 1024);
    }
    write_pair(folder / ("s" + std::to_string(s)) / "a", npy("<i8", "(8, 24000)", raw(codes)),
               "speaker " + std::to_string(s));
  }
}

// The runs named bad_KIND_codes had a good file and one of that kind; their inputs are not kept.
std::string bad_codes(const std::string& kind) {
  const std::vector<int64_t> zeros(8, 0);
  const std::map<std::string, std::function<std::string()>> kinds = {
      {"float",
       [] {
         return npy("<f4", "(2, 2)", raw<float>({0.5F, 1, 2, 3}));
       }},
      {"negative",
       [] {
         return npy("<i8", "(2, 2)", raw<int64_t>({0, -1, 2, 3}));
       }},
      {"one_dim",
       [] {
         return npy("<i8", "(4,)", raw<int64_t>({0, 1, 2, 3}));
       }},
      {"three_dim", [&] { return npy("<i8", "(2, 2, 2)", raw(zeros)); }},
      {"too_large", [] { return npy("<i8", "(1, 1)", raw<int64_t>({int64_t{1} << 32})); }},
      {"scalar", [] { return npy("<i8", "()", raw<int64_t>({5})); }},
      {"object", [] { return npy("|O", "(1, 1)", "cos\nsystem\n"); }},
      {"npz", [] { return std::string("PK\x03\x04 not an array"); }},
      {"string", [] { return npy("<U1", "(1, 1)", raw<uint32_t>({'x'})); }},
      {"bool", [] { return npy("|b1", "(2, 2)", std::string("\x00\x01\x00\x01", 4)); }},
  };
  const auto found = kinds.find(kind);
  return found == kinds.end() ? std::string() : found->second();
}

// The recorded inputs in a working folder of the test's own, for paths in them are relative.
class PackParity : public testing::Test {
 protected:
  void SetUp() override {
    before_ = fs::current_path();
    const fs::path inputs = fs::absolute(test::golden("data/protos"));
    if (!fs::exists(inputs / "runs.json")) return;
    fs::copy(inputs / "tree", folder_ / "tree", fs::copy_options::recursive);
    fs::copy(inputs / "filelists", folder_.path(),
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    for (const json& audio : test::read_json(inputs / "filelists/audio_files.json"))
      std::ofstream(folder_ / audio.get<std::string>()).close();
    fs::create_directory(folder_ / "void");
    write_roll(folder_ / "roll");
    fs::current_path(folder_.path());
  }
  void TearDown() override { fs::current_path(before_); }

  PackOptions options_of(const json& arguments, TextRules rules) {
    PackOptions options;
    options.rules = rules;
    options.output = folder_ / "out";
    std::vector<std::string> extensions;
    for (size_t i = 0; i + 1 < arguments.size(); i += 2) {
      const std::string flag = arguments[i], value = arguments[i + 1];
      if (flag == "--input") options.inputs.push_back(value);
      if (flag == "--text-extension") extensions.push_back(value);
      if (flag == "--shard-size") options.shard_size_mib = std::stoull(value);
      if (flag == "--num-workers") options.num_workers = std::stoull(value);
    }
    if (!extensions.empty()) options.text_extensions = extensions;
    return options;
  }

  // Packs; the folder of an earlier run is removed first.
  PackReport pack(const json& arguments, TextRules rules) {
    const PackOptions options = options_of(arguments, rules);
    fs::remove_all(options.output);
    failures_.clear();
    return pack_dataset(options, {[this](const PackFailure& f) { failures_.push_back(f); }, {}});
  }

  test::TempDir folder_;
  fs::path before_;
  std::vector<PackFailure> failures_;
};

std::vector<TextData> records_of(const std::vector<fs::path>& shards) {
  std::vector<TextData> records;
  for (const fs::path& shard : shards) {
    ShardReader reader(shard);
    while (auto record = reader.next()) records.push_back(std::move(*record));
  }
  return records;
}

std::vector<TextData> records_of(const json& list) {
  std::vector<TextData> records;
  for (const json& from : list) {
    TextData& record = records.emplace_back(TextData{from.at("source"), from.at("name"), {}});
    for (const json& sentence : from.at("sentences"))
      record.sentences.push_back({sentence.at("texts"), sentence.at("semantics")});
  }
  return records;
}

bool is_recorded(const json& run) {
  return run.contains("args") && !std::string(run["args"][1]).starts_with("b_");
}

void expect_shards(const json& expected, const PackReport& report) {
  std::map<std::string, std::string> found;
  for (const fs::path& shard : report.shards)
    found[shard.filename().string()] = base::sha256_hex(base::read_file(shard));
  std::map<std::string, std::string> wanted;
  for (const auto& [name, shard] : expected.items()) {
    if (shard.contains("records")) wanted[name] = shard.at("sha256");  // not the stale one
  }
  EXPECT_EQ(found, wanted);
}

TEST_F(PackParity, ReferenceRulesGiveTheReferencesBytes) {
  KOI_REQUIRE_GOLDEN("data/protos/runs.json");
  const json runs = test::read_json(test::golden("data/protos/runs.json"));
  size_t compared = 0;
  for (const auto& [name, run] : runs.items()) {
    // ".lab" and "lab" mean the same to us, the reference fails at the second one for every file.
    if (!is_recorded(run) || name == "extension_without_dot") continue;
    SCOPED_TRACE(name);
    if (run.at("rc") != 0) {
      EXPECT_THROW(pack(run["args"], TextRules::reference), Error);
      EXPECT_FALSE(fs::exists(folder_ / "out"));
      continue;
    }
    expect_shards(run.at("shards"), pack(run["args"], TextRules::reference));
    ++compared;
    const fs::path shard = test::golden("data/protos/" + name + "/00000000.protos");
    if (!fs::exists(shard)) continue;
    EXPECT_EQ(base::read_file(folder_ / "out/00000000.protos"), base::read_file(shard));
    EXPECT_EQ(records_of(std::vector{shard}),
              records_of(test::read_json(shard.string() + ".json")));
  }
  EXPECT_GT(compared, 0U);
}

TEST_F(PackParity, CurrentFolderAsInput) {
  KOI_REQUIRE_GOLDEN("data/protos/runs.json");
  const json runs = test::read_json(test::golden("data/protos/runs.json"));
  if (!runs.contains("input_is_dot")) return;
  const std::vector<TextData> wanted = records_of(runs["input_is_dot"].at("records"));
  fs::create_directory("here");
  fs::current_path("here");
  const Sentence& sentence = wanted.at(0).sentences.at(0);
  std::vector<int64_t> codes;
  for (const auto& row : sentence.codes) codes.insert(codes.end(), row.begin(), row.end());
  const std::string shape = "(" + std::to_string(sentence.codes.size()) + ", " +
                            std::to_string(sentence.codes[0].size()) + ")";
  write_pair("./a", npy("<i8", shape, raw(codes)), sentence.texts.at(0));
  const json arguments = {"--input", ".", "--text-extension", ".lab"};
  EXPECT_EQ(records_of(pack(arguments, TextRules::reference).shards), wanted);
  EXPECT_EQ(records_of(pack(arguments, TextRules::repaired).shards).at(0).name, "here");
}

// Where the reference stops at codes, ours reports the file; the rest is packed.
TEST_F(PackParity, BadCodes) {
  KOI_REQUIRE_GOLDEN("data/protos/runs.json");
  for (const auto& [name, run] : test::read_json(test::golden("data/protos/runs.json")).items()) {
    if (is_recorded(run) || !run.contains("args")) continue;
    SCOPED_TRACE(name);
    const std::string input = run["args"][1];  // b_KIND_codes
    const std::string codes =
        bad_codes(input.substr(2, input.size() - std::string("b__codes").size()));
    ASSERT_NE(codes, "") << "the test does not know this kind of bad codes";
    write_pair(fs::path(input) / "good/g", npy("<i8", "(2, 1)", raw<int64_t>({1, 2})), "good");
    write_pair(fs::path(input) / "spk/x", codes, "bad");
    for (const TextRules rules : {TextRules::reference, TextRules::repaired}) {
      const std::vector<TextData> records = records_of(pack(run["args"], rules).shards);
      ASSERT_EQ(failures_.size(), 1U);
      EXPECT_EQ(failures_[0].path, input + "/spk/x.npy");
      EXPECT_EQ(records.at(0).name, "good");
      EXPECT_EQ(records.size(), rules == TextRules::reference ? 2U : 1U);
    }
  }
}

TEST_F(PackParity, ShardsOfAnEarlierRun) {
  KOI_REQUIRE_GOLDEN("data/protos/runs.json");
  const json runs = test::read_json(test::golden("data/protos/runs.json"));
  if (!runs.contains("stale")) return;
  const auto pack_again = [&](TextRules rules) {
    const PackOptions options = options_of(runs["stale"].at("args"), rules);
    fs::create_directories(options.output);
    for (const auto& [name, shard] : runs["stale"].at("shards").items())
      base::write_file(options.output / name, "old");
    expect_shards(runs["stale"].at("shards"), pack_dataset(options, {}));
    return stale_shards(options.output).size();
  };
  EXPECT_EQ(pack_again(TextRules::reference), runs["stale"].at("shards").size());
  EXPECT_EQ(pack_again(TextRules::repaired), 1U);
}

// Whether one of our repairs applies to a sentence of the reference's.
bool is_repaired(const Sentence& sentence) {
  const bool spoilt = std::any_of(sentence.texts.begin(), sentence.texts.end(), [](const auto& t) {
    return t.empty() || t.front() == ' ' || t.back() == ' ' || t.starts_with("\xEF\xBB\xBF") ||
           t.find('\0') != std::string::npos;
  });
  return spoilt || sentence.codes.empty() || sentence.codes[0].empty();
}

TEST_F(PackParity, RepairsChangeNothingElse) {
  KOI_REQUIRE_GOLDEN("data/protos/runs.json");
  const json runs = test::read_json(test::golden("data/protos/runs.json"));
  size_t equal = 0;
  for (const auto& [name, run] : runs.items()) {
    if (!is_recorded(run) || run.at("rc") != 0 || run.at("shards").empty()) continue;
    SCOPED_TRACE(name);
    const std::vector<TextData> reference =
        records_of(pack(run["args"], TextRules::reference).shards);
    const PackReport report = pack(run["args"], TextRules::repaired);
    std::vector<Sentence> ours;
    for (TextData& record : records_of(report.shards))
      ours.insert(ours.end(), record.sentences.begin(), record.sentences.end());
    bool untouched = std::none_of(run["log"].begin(), run["log"].end(), [](const json& line) {
      return !std::string(line).starts_with("INFO");
    });
    for (const TextData& record : reference) {
      untouched = untouched && !record.sentences.empty();
      for (const Sentence& sentence : record.sentences) {
        if (is_repaired(sentence)) {
          untouched = false;
        } else {
          EXPECT_NE(std::find(ours.begin(), ours.end(), sentence), ours.end());
        }
      }
    }
    for (const Sentence& sentence : ours) EXPECT_FALSE(is_repaired(sentence)) << sentence.texts[0];
    if (!untouched) continue;
    expect_shards(run["shards"], report);
    ++equal;
  }
  EXPECT_TRUE(equal > 0 || !test::default_goldens());
}

}  // namespace
}  // namespace koi::dataset
