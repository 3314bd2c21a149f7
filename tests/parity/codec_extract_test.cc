// Codes of a folder, byte for byte as fish-speech v1.4.3's tools/vqgan/extract_vq.py wrote them.
#include <set>

#include "koi/base/error.h"
#include "koi/codec/extract.h"
#include "tests/support/codec_goldens.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using codec::ExtractOptions;
using codec::ExtractPlan;
using codec::ExtractReport;

nlohmann::json recorded_run(const std::string& name) {
  return read_json(golden("codec/extract/cases.json"))[name];
}

// The batches of a run's log, in order: paths relative to the tree.
std::vector<std::vector<std::string>> batches_of(const nlohmann::json& run) {
  std::vector<std::vector<std::string>> batches;
  for (const auto& entry : run["log"]) {
    const auto line = entry.get<std::string>();
    if (line.starts_with("BATCH "))
      batches.push_back(nlohmann::json::parse(line.substr(6)).get<std::vector<std::string>>());
  }
  return batches;
}

// A copy of the recorded tree: the files that are named, or all.
void copy_tree(const fs::path& to, const std::vector<std::string>& names = {}) {
  const fs::path from = golden("codec/extract/data");
  if (names.empty()) fs::copy(from, to, fs::copy_options::recursive);
  for (const std::string& name : names) {
    fs::create_directories((to / name).parent_path());
    fs::copy_file(from / name, to / name, fs::copy_options::overwrite_existing);
  }
}

std::set<std::string> npy_files(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".npy")
      names.insert(fs::relative(entry.path(), folder).string());
  }
  return names;
}

// The tree holds exactly the .npy files of the recorded run, byte for byte, but for `other` ones.
void expect_run(const fs::path& tree, const std::string& run,
                const std::set<std::string>& other = {}) {
  const fs::path expected = golden("codec/extract/expected/" + run);
  std::set<std::string> ours = npy_files(tree), theirs = npy_files(expected);
  for (const std::string& name : other) {
    ours.erase(name);
    theirs.erase(name);
  }
  EXPECT_EQ(ours, theirs);
  EXPECT_FALSE(theirs.empty());
  for (const std::string& name : theirs)
    EXPECT_EQ(base::read_file(tree / name), base::read_file(expected / name)) << name;
}

std::set<std::string> failed_files(const ExtractReport& report, const fs::path& tree) {
  std::set<std::string> names;
  for (const auto& failure : report.failures) {
    EXPECT_THAT(failure.message, testing::Not(testing::HasSubstr("\n")));
    names.insert(fs::relative(failure.file, tree).string());
  }
  return names;
}

TEST(CodecExtract, AFileAlone) {
  KOI_REQUIRE_GOLDEN("codec/extract/cases.json");
  const TempDir tree;
  std::vector<std::string> files;
  for (const auto& batch : batches_of(recorded_run("batch1_good")))
    files.insert(files.end(), batch.begin(), batch.end());
  copy_tree(tree.path(), files);
  const ExtractPlan plan = codec::plan_folder(tree.path());
  const ExtractReport report = codec::extract_codes(golden_codec(), plan, {});
  EXPECT_EQ(report.extracted, files.size());
  EXPECT_TRUE(report.failures.empty());
  expect_run(tree.path(), "batch1_good");

  // Again: all is there. Forced: the same bytes, whatever the grouping.
  EXPECT_EQ(codec::extract_codes(golden_codec(), plan, {}).present, files.size());
  const ExtractOptions forced = {.batch_size = 2, .num_workers = 2, .overwrite = true};
  EXPECT_EQ(codec::extract_codes(golden_codec(), plan, forced).extracted, files.size());
  expect_run(tree.path(), "batch1_good");
}

TEST(CodecExtract, FilesOfAList) {
  KOI_REQUIRE_GOLDEN("codec/extract/cases.json");
  const TempDir tree;
  copy_tree(tree / "data");
  const nlohmann::json run = recorded_run("filelist");
  std::string lines;
  std::set<std::string> missing;
  size_t invalid = 0;
  for (const auto& entry : run["filelist"]) {
    const auto line = entry.get<std::string>();
    lines += line + "\n";
    const auto bars = std::count(line.begin(), line.end(), '|');
    if (bars > 0 && bars < 3) ++invalid;
    const std::string name = line.substr(0, line.find('|'));
    if (bars >= 3 && !fs::exists(tree.path() / "data" / name)) missing.insert(name);
  }
  base::write_file(tree / "files.txt", lines);
  // Nothing but what the run wrote shall be there.
  for (const std::string& name : npy_files(tree / "data")) fs::remove(tree / "data" / name);

  const ExtractPlan plan = codec::plan_filelist(tree / "files.txt", tree / "data");
  const ExtractReport report = codec::extract_codes(golden_codec(), plan, {});
  EXPECT_EQ(report.failures.size(), missing.size() + invalid);
  EXPECT_EQ(report.extracted, npy_files(golden("codec/extract/expected/filelist")).size());
  expect_run(tree / "data", "filelist");
}

// The reference's own batches, whose zero padding may change a file's last column.
void expect_batches(const std::string& name, const std::set<std::string>& failing,
                    const std::set<std::string>& other) {
  const TempDir tree;
  copy_tree(tree.path());
  const nlohmann::json run = recorded_run(name);
  std::set<std::string> failed;
  for (const auto& batch : batches_of(run)) {
    ExtractPlan plan;
    for (const std::string& file : batch) plan.files.push_back(tree / file);
    const ExtractOptions options = {.batch_size = batch.size(), .reference_padding = true};
    failed.merge(failed_files(codec::extract_codes(golden_codec(), plan, options), tree.path()));
  }
  EXPECT_EQ(failed, failing);
  expect_run(tree.path(), name, other);
}

TEST(CodecExtract, ReferencePadding) {
  KOI_REQUIRE_GOLDEN("codec/extract/expected/batch2_good");
  std::set<std::string> there = npy_files(golden("codec/extract/data"));
  expect_batches("batch2_good", {}, there);
}

// Differs: files that are unreadable or too short are failures, not left out in silence or [K, 0].
TEST(CodecExtract, ReferencePaddingWithBadFiles) {
  KOI_REQUIRE_GOLDEN("codec/extract/expected/batch64");
  std::set<std::string> failing, other = npy_files(golden("codec/extract/data"));
  const nlohmann::json run = recorded_run("batch64");
  for (const auto& batch : batches_of(run)) {
    for (const std::string& file : batch) {
      const std::string codes = fs::path(file).replace_extension(".npy").string();
      const bool written = run["npy"].contains(codes);
      if (written && run["npy"][codes]["shape"][1] != 0) continue;
      failing.insert(file);
      other.insert(codes);
    }
  }
  EXPECT_FALSE(failing.empty());
  expect_batches("batch64", failing, other);
}

// Differs: what the reference takes for done is looked at, and made again where it is not sound.
TEST(CodecExtract, UnsoundCodesAreMadeAgain) {
  KOI_REQUIRE_GOLDEN("codec/extract/cases.json");
  const std::string file = batches_of(recorded_run("batch1_good")).at(0).at(0);
  const TempDir tree;
  copy_tree(tree.path(), {file});
  const ExtractPlan plan = codec::plan_folder(tree.path());
  const fs::path npy = fs::path(plan.files.at(0)).replace_extension(".npy");
  ASSERT_EQ(codec::extract_codes(golden_codec(), plan, {}).extracted, 1U);
  const std::string sound = base::read_file(npy);
  const checkpoint::Codes codes = checkpoint::read_codes(npy);

  const auto expect_repair = [&](const std::string& what) {
    EXPECT_EQ(codec::extract_codes(golden_codec(), plan, {}).extracted, 1U) << what;
    EXPECT_EQ(base::read_file(npy), sound) << what;
  };
  base::write_file(npy, "");
  expect_repair("empty");
  base::write_file(npy, sound.substr(0, sound.size() - 1));
  expect_repair("cut off");
  checkpoint::Codes broken = codes;
  broken.values[0] = static_cast<int32_t>(golden_codec().config().codebook_size());
  checkpoint::write_codes(npy, broken);
  expect_repair("out of range");
  broken = {codes.codebooks, codes.frames - 1,
            std::vector<int32_t>(static_cast<size_t>(codes.codebooks * (codes.frames - 1)))};
  checkpoint::write_codes(npy, broken);
  expect_repair("too short for the audio");
  checkpoint::write_npy(npy,
                        tensor::to_view(at::zeros({codes.codebooks, codes.frames}, at::kLong)));
  expect_repair("int64");
}

// Differs: the reference lets the later of the two win.
TEST(CodecExtract, TwinsAreRefusedBeforeWork) {
  KOI_REQUIRE_GOLDEN("codec/extract/cases.json");
  const auto twins = batches_of(recorded_run("twins")).at(0);
  const TempDir tree;
  for (const std::string& name : twins) {
    fs::create_directories((tree / name).parent_path());
    base::write_file(tree / name, "");
  }
  EXPECT_THROW(codec::plan_folder(tree.path()), Error);
}

// Differs: a batch without a readable file stops the reference.
TEST(CodecExtract, OnlyBadFiles) {
  KOI_REQUIRE_GOLDEN("codec/extract/cases.json");
  for (const std::string run : {"bad_alone", "short_alone"}) {
    const TempDir tree;
    const auto files = batches_of(recorded_run(run)).at(0);
    copy_tree(tree.path(), files);
    for (const bool padding : {false, true}) {
      const ExtractOptions options = {.reference_padding = padding};
      const ExtractReport report =
          codec::extract_codes(golden_codec(), codec::plan_folder(tree.path()), options);
      EXPECT_EQ(failed_files(report, tree.path()), std::set(files.begin(), files.end()));
      EXPECT_TRUE(npy_files(tree.path()).empty());
    }
  }
}

}  // namespace
}  // namespace koi::test
