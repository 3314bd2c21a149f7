// Packing against the reference's build_dataset (fish-speech v1.4.3): every recorded run again on
// the recorded input. Shards are equal byte for byte or wrong; there is no tolerance.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <regex>

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

// The runs over "roll" read as many folders as they have records. Of their codes only the recipe is
// kept, in the README: its numbers are read there.
void write_roll(const fs::path& folder, size_t speakers) {
  if (!test::have_golden("data/protos/README.md")) return;
  const std::string readme = base::read_file(test::golden("data/protos/README.md"));
  const std::regex recipe(
      R"(int64 \[(\d+), (\d+)\], value \(k\*(\d+) \+ n\*(\d+) \+ s\*(\d+)\) mod (\d+))");
  std::smatch match;
  if (!std::regex_search(readme, match, recipe)) return test::report_absent("the recipe of roll");
  std::vector<int64_t> numbers;
  for (size_t i = 1; i < match.size(); ++i) numbers.push_back(std::stoll(match[i]));
  const int64_t books = numbers[0], frames = numbers[1];
  for (size_t speaker = 0; speaker < speakers; ++speaker) {
    const auto s = static_cast<int64_t>(speaker);
    std::vector<int64_t> codes;
    for (int64_t k = 0; k < books; ++k) {
      for (int64_t n = 0; n < frames; ++n)
        codes.push_back((k * numbers[2] + n * numbers[3] + s * numbers[4]) % numbers[5]);
    }
    const std::string shape = "(" + std::to_string(books) + ", " + std::to_string(frames) + ")";
    write_pair(folder / ("s" + std::to_string(s)) / "a", npy("<i8", shape, raw(codes)),
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
    if (!test::have_golden("data/protos/runs.json")) return;
    runs_ = test::read_json(inputs / "runs.json");
    if (fs::exists(inputs / "tree"))
      fs::copy(inputs / "tree", folder_ / "tree", fs::copy_options::recursive);
    if (fs::exists(inputs / "filelists/audio_files.json")) {
      fs::copy(inputs / "filelists", folder_.path(),
               fs::copy_options::recursive | fs::copy_options::overwrite_existing);
      for (const json& audio : test::read_json(inputs / "filelists/audio_files.json"))
        std::ofstream(folder_ / audio.get<std::string>()).close();
    }
    fs::create_directory(folder_ / "void");
    for (const auto& [name, run] : runs_.items()) {
      if (!run.contains("args") || run["args"].at(1) != "roll") continue;
      size_t records = 0;
      for (const json& shard : run.at("shards")) records += shard.at("records").size();
      write_roll(folder_ / "roll", records);
      break;
    }
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
  json runs_;  // null where the set has none
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

std::vector<std::string> values_of(const json& arguments, const std::string& flag) {
  std::vector<std::string> values;
  for (size_t i = 0; i + 1 < arguments.size(); i += 2) {
    if (arguments[i] == flag) values.push_back(arguments[i + 1]);
  }
  return values;
}

// Whether the run's input is in the set; the bad codes' is not, see bad_codes. What another set
// lacks is reported.
bool is_recorded(const json& run) {
  if (!run.contains("args") || std::string(run["args"][1]).starts_with("b_")) return false;
  if (run.at("rc") != 0) return true;
  for (const std::string& input : values_of(run["args"], "--input")) {
    if (fs::exists(input)) continue;
    test::report_absent("data/protos: the input " + input);
    return false;
  }
  return true;
}

// ".lab" and "lab" mean the same to us, the reference fails at the second one for every file.
bool lacks_a_dot(const json& run) {
  const std::vector<std::string> extensions = values_of(run["args"], "--text-extension");
  return std::any_of(extensions.begin(), extensions.end(),
                     [](const std::string& extension) { return !extension.starts_with("."); });
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
  size_t compared = 0;
  for (const auto& [name, run] : runs_.items()) {
    if (!is_recorded(run) || lacks_a_dot(run)) continue;
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
  if (compared == 0) test::report_absent("data/protos: a run");
}

TEST_F(PackParity, CurrentFolderAsInput) {
  if (!test::has_part(runs_, "input_is_dot")) return;
  const std::vector<TextData> wanted = records_of(runs_["input_is_dot"].at("records"));
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
  for (const test::NamedPart& part : test::find_parts(runs_, "bad_(.+)_codes")) {
    SCOPED_TRACE(part.name);
    const json& run = runs_[part.name];
    const std::string input = run.at("args")[1];
    const std::string codes = bad_codes(part.groups.at(0));
    if (codes.empty()) {
      test::report_absent("data/protos: the codes of " + input);
      continue;
    }
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
  if (!test::has_part(runs_, "stale") || !is_recorded(runs_["stale"])) return;
  const auto pack_again = [&](TextRules rules) {
    const PackOptions options = options_of(runs_["stale"].at("args"), rules);
    fs::create_directories(options.output);
    for (const auto& [name, shard] : runs_["stale"].at("shards").items())
      base::write_file(options.output / name, "old");
    expect_shards(runs_["stale"].at("shards"), pack_dataset(options, {}));
    return stale_shards(options.output).size();
  };
  EXPECT_EQ(pack_again(TextRules::reference), runs_["stale"].at("shards").size());
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
  size_t equal = 0;
  for (const auto& [name, run] : runs_.items()) {
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
  if (equal == 0) test::report_absent("data/protos: a run that needs no repair");
}

}  // namespace
}  // namespace koi::dataset
