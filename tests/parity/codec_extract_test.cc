// Codes of a folder, byte for byte as fish-speech v1.4.3's tools/vqgan/extract_vq.py wrote them.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <set>

#include "koi/audio/resample.h"
#include "koi/base/error.h"
#include "koi/codec/extract.h"
#include "tests/support/codec_goldens.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using codec::ExtractOptions;
using codec::ExtractPlan;
using codec::ExtractReport;

using Files = std::vector<std::string>;  // paths relative to the tree

struct RecordedRun {
  std::string name;
  nlohmann::json facts;
  std::vector<Files> batches;  // of its log, in order

  bool succeeded() const { return facts.value("exit", 1) == 0; }
  bool of_a_list() const { return facts.contains("filelist"); }
  Files files() const {
    Files all;
    for (const Files& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
    return all;
  }
};

// The recorded runs of one kind; `what` it is, for the report where there is none.
std::vector<RecordedRun> find_runs(const std::string& what,
                                   bool (*is_of_kind)(const RecordedRun&)) {
  std::vector<RecordedRun> found;
  if (!have_golden("codec/tiny") || !have_golden("codec/extract/cases.json")) return found;
  const nlohmann::json cases = read_json(golden("codec/extract/cases.json"));
  for (const auto& [name, facts] : cases.items()) {
    RecordedRun run{name, facts, {}};
    for (const auto& entry : facts.at("log")) {
      const auto line = entry.get<std::string>();
      if (line.starts_with("BATCH "))
        run.batches.push_back(nlohmann::json::parse(line.substr(6)).get<Files>());
    }
    if (is_of_kind(run)) found.push_back(std::move(run));
  }
  if (found.empty()) report_absent("codec/extract: a run " + what);
  return found;
}

// Whether the .npy files that it wrote are in the set.
bool is_kept(const RecordedRun& run) {
  return run.succeeded() && fs::exists(golden("codec/extract/expected/" + run.name));
}

bool has_single_batches(const RecordedRun& run) {
  return std::all_of(run.batches.begin(), run.batches.end(),
                     [](const Files& batch) { return batch.size() == 1; });
}

std::vector<RecordedRun> runs_of_files_alone() {
  return find_runs("with one file a batch", [](const RecordedRun& run) {
    return is_kept(run) && !run.of_a_list() && has_single_batches(run);
  });
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

// A copy of one recording; false where none was recorded with one file a batch.
bool copy_one_file(const fs::path& to) {
  const std::vector<RecordedRun> runs = runs_of_files_alone();
  if (runs.empty()) return false;
  copy_tree(to, {runs.at(0).files().at(0)});
  return true;
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
  for (const RecordedRun& run : runs_of_files_alone()) {
    const TempDir tree;
    const Files files = run.files();
    copy_tree(tree.path(), files);
    const ExtractPlan plan = codec::plan_folder(tree.path());
    const ExtractReport report = codec::extract_codes(golden_codec(), plan, {});
    EXPECT_EQ(report.extracted, files.size());
    EXPECT_TRUE(report.failures.empty());
    expect_run(tree.path(), run.name);

    // Again: all is there. Forced: the same bytes, whatever the grouping.
    EXPECT_EQ(codec::extract_codes(golden_codec(), plan, {}).present, files.size());
    const ExtractOptions forced = {.batch_size = 2, .num_workers = 2, .overwrite = true};
    EXPECT_EQ(codec::extract_codes(golden_codec(), plan, forced).extracted, files.size());
    expect_run(tree.path(), run.name);
  }
}

void expect_list(const RecordedRun& run) {
  const TempDir tree;
  copy_tree(tree / "data");
  std::string lines;
  std::set<std::string> missing;
  size_t invalid = 0;
  for (const auto& entry : run.facts["filelist"]) {
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
  EXPECT_EQ(report.extracted, npy_files(golden("codec/extract/expected/" + run.name)).size());
  expect_run(tree / "data", run.name);
}

TEST(CodecExtract, FilesOfAList) {
  for (const RecordedRun& run : find_runs("with a file list", [](const RecordedRun& recorded) {
         return is_kept(recorded) && recorded.of_a_list();
       }))
    expect_list(run);
}

TEST(CodecExtract, PathsOfAListAreFoundFromItsFolderBeforeTheOther) {
  const TempDir tree;
  for (const char* name : {"lists/both.wav", "data/both.wav", "data/other.wav"}) {
    fs::create_directories((tree / name).parent_path());
    base::write_file(tree / name, "");
  }
  base::write_file(tree / "lists/x.list", "both.wav\nother.wav|A|en|words\nnone.wav\n");
  const ExtractPlan plan = codec::plan_filelist(tree / "lists/x.list", tree / "data");
  EXPECT_EQ(plan.files, (std::vector<fs::path>{tree / "lists/both.wav", tree / "data/other.wav"}));
  ASSERT_EQ(plan.failures.size(), 1U);
  EXPECT_EQ(plan.failures[0].message, "none.wav: no such file");
}

// The reference's own batches, whose zero padding may change a file's last column. Differs: files
// that are unreadable or too short are failures, not left out in silence or [K, 0].
void expect_batches(const RecordedRun& run) {
  std::set<std::string> failing, other = npy_files(golden("codec/extract/data"));
  for (const std::string& file : run.files()) {
    const std::string codes = fs::path(file).replace_extension(".npy").string();
    const bool written = run.facts["npy"].contains(codes);
    if (written && run.facts["npy"][codes]["shape"][1] != 0) continue;
    failing.insert(file);
    other.insert(codes);
  }
  const TempDir tree;
  copy_tree(tree.path());
  std::set<std::string> failed;
  for (const Files& batch : run.batches) {
    ExtractPlan plan;
    for (const std::string& file : batch) plan.files.push_back(tree / file);
    const ExtractOptions options = {.batch_size = batch.size(), .reference_padding = true};
    failed.merge(failed_files(codec::extract_codes(golden_codec(), plan, options), tree.path()));
  }
  EXPECT_EQ(failed, failing);
  expect_run(tree.path(), run.name, other);
}

TEST(CodecExtract, ReferencePadding) {
  for (const RecordedRun& run :
       find_runs("with several files a batch", [](const RecordedRun& recorded) {
         return is_kept(recorded) && !recorded.of_a_list() && !has_single_batches(recorded);
       })) {
    SCOPED_TRACE(run.name);
    expect_batches(run);
  }
}

// Codes of the recording behind some silence; those of the recording itself stay what they are.
TEST(CodecExtract, ShiftedCodes) {
  const TempDir tree;
  if (!copy_one_file(tree.path())) return;
  const ExtractPlan plan = codec::plan_folder(tree.path());
  const auto codes_of = [&](const std::string& extension) {
    return checkpoint::read_codes(fs::path(plan.files.at(0)).replace_extension(extension));
  };
  ASSERT_EQ(codec::extract_codes(golden_codec(), plan, {}).extracted, 1U);
  const checkpoint::Codes whole = codes_of(".npy");
  const ExtractReport report = codec::extract_codes(golden_codec(), plan, {.shifts = 2});
  EXPECT_EQ(report.present, 1U);
  EXPECT_EQ(report.extracted, 1U);
  EXPECT_EQ(report.files, 2U);
  EXPECT_EQ(codes_of(".npy").values, whole.values);

  const auto config = golden_codec().config();
  auto wave =
      audio::load_mono(plan.files.at(0), static_cast<int>(config.spec_transform.sample_rate));
  wave.insert(wave.begin(), static_cast<size_t>(config.samples_per_column() / 2), 0.0F);
  const auto samples = static_cast<int64_t>(wave.size());
  const auto encoded =
      golden_codec().encode(at::from_blob(wave.data(), {1, 1, samples}, at::kFloat), {samples});
  const checkpoint::Codes shifted = codes_of(".shift1");
  EXPECT_EQ(shifted.frames, encoded.feature_lengths[0]);
  const auto expected =
      encoded.codes[0].narrow(1, 0, shifted.frames).to(at::kCPU, at::kInt).contiguous();
  EXPECT_TRUE(
      std::equal(shifted.values.begin(), shifted.values.end(), expected.const_data_ptr<int32_t>()));
  EXPECT_NE(shifted.values, whole.values);

  // Those that are not wanted any more go, and not the codes of a recording that is called so.
  EXPECT_EQ(codec::extract_codes(golden_codec(), plan, {}).present, 1U);
  EXPECT_FALSE(fs::exists(fs::path(plan.files.at(0)).replace_extension(".shift1")));
  const fs::path twin = fs::path(plan.files.at(0)).replace_extension(".shift1.wav");
  fs::copy_file(plan.files.at(0), twin);
  const ExtractPlan both = codec::plan_folder(tree.path());
  EXPECT_EQ(codec::extract_codes(golden_codec(), both, {.shifts = 2}).files, 4U);
  EXPECT_EQ(codec::extract_codes(golden_codec(), both, {}).present, 2U);
}

// Differs: what the reference takes for done is looked at, and made again where it is not sound.
TEST(CodecExtract, UnsoundCodesAreMadeAgain) {
  const TempDir tree;
  if (!copy_one_file(tree.path())) return;
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

// How long they are takes ffmpeg, which a second run does not need.
TEST(CodecExtract, CodesOfWhatFfmpegReadsAreAsOldAsTheyAre) {
  const std::vector<RecordedRun> runs = runs_of_files_alone();
  if (runs.empty()) return;
  const TempDir tree;
  const fs::path source = golden("codec/extract/data/" + runs.at(0).files().at(0));
  ASSERT_EQ(run({"ffmpeg", "-v", "error", "-i", source, tree / "a.m4a"}).status, 0);
  const ExtractPlan plan = codec::plan_folder(tree.path());
  ASSERT_EQ(codec::extract_codes(golden_codec(), plan, {}).extracted, 1U);
  const std::string sound = base::read_file(tree / "a.npy");

  const std::string programs = std::getenv("PATH");
  ::setenv("PATH", "/nowhere", 1);
  EXPECT_EQ(codec::extract_codes(golden_codec(), plan, {}).present, 1U);
  const auto written = fs::last_write_time(tree / "a.npy");
  fs::last_write_time(tree / "a.m4a", written + std::chrono::seconds(1));
  EXPECT_EQ(codec::extract_codes(golden_codec(), plan, {}).failures.size(), 1U);
  ::setenv("PATH", programs.c_str(), 1);
  EXPECT_EQ(codec::extract_codes(golden_codec(), plan, {}).extracted, 1U);
  EXPECT_EQ(base::read_file(tree / "a.npy"), sound);
}

// Differs: the reference lets the later of the two win.
TEST(CodecExtract, TwinsAreRefusedBeforeWork) {
  for (const RecordedRun& run :
       find_runs("over two files of one name", [](const RecordedRun& recorded) {
         std::set<fs::path> stems;
         const Files files = recorded.files();
         for (fs::path file : files) stems.insert(file.replace_extension());
         return recorded.succeeded() && !recorded.of_a_list() && stems.size() < files.size();
       })) {
    const TempDir tree;
    for (const std::string& name : run.files()) {
      fs::create_directories((tree / name).parent_path());
      base::write_file(tree / name, "");
    }
    EXPECT_THROW(codec::plan_folder(tree.path()), Error);
  }
}

// Differs: a batch without a readable file stops the reference.
TEST(CodecExtract, OnlyBadFiles) {
  for (const RecordedRun& run : find_runs("over one bad file", [](const RecordedRun& recorded) {
         const Files files = recorded.files();
         return !recorded.succeeded() && recorded.facts.contains("npy") &&
                recorded.facts["npy"].empty() && files.size() == 1 &&
                fs::exists(golden("codec/extract/data/" + files.at(0)));
       })) {
    const TempDir tree;
    const Files files = run.files();
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
