// Many short recordings: how long the commands take over a tree in which all is done, and whether
// their memory is flat. KOI_SCALE_FILES=100000 build/tests/e2e_scale is the benchmark of
// docs/performance.md and prints its figures; by default the tree is small. The bounds on time are
// those of 100,000 files either way: in a small tree they are passed only by work done again.
#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>

#include "koi/audio/audio_file.h"
#include "koi/base/files.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr double kListingS = 2;
constexpr double kSecondRunS = 5;

struct Measured {
  RunResult result;
  double seconds = 0;
};

class Scale : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* wanted = std::getenv("KOI_SCALE_FILES")) count_ = std::stoi(wanted);
    ASSERT_GE(count_, 1000);
    ASSERT_EQ(koi({"init", "base", "--preset", "tiny"}, at_.path()).status, 0);
    make_codes();
    make_tree("small", count_ / 10);
    make_tree("large", count_);
  }

  static void write(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;  // unsynced: a hundred times quicker
  }

  // A recording of 0.45 s and its codes, which do for all others.
  void make_codes() {
    std::vector<float> samples(3600);
    for (size_t t = 0; t < samples.size(); ++t)
      samples[t] = 0.1F * std::sin(0.3F * static_cast<float>(t));
    fs::create_directories(at_ / "one");
    audio::write_wav_pcm16(at_ / "one/x.wav", samples, 8000);
    const Measured first = measure({"extract-vq", "one", "--checkpoint-path", codec()});
    ASSERT_THAT(first.result.out, HasSubstr("1 done"));
    wav_ = base::read_file(at_ / "one/x.wav");
    codes_ = base::read_file(at_ / "one/x.npy");
  }

  void make_tree(const std::string& name, int count) {
    for (int i = 0; i < count; ++i) {
      const fs::path folder = at_ / name / ("화자 " + std::to_string(i / 500));
      if (i % 500 == 0) fs::create_directories(folder);
      const std::string stem = (folder / std::to_string(i)).string();
      write(stem + ".wav", wav_);
      write(stem + ".npy", codes_);
      write(stem + ".lab", "문장 번호는 " + std::to_string(i) + "입니다.");
    }
  }

  std::string codec() const { return at_ / "base/firefly-gan-vq-fsq-8x1024-21hz-generator.pth"; }

  Measured measure(const std::vector<std::string>& command) const {
    const auto start = std::chrono::steady_clock::now();
    Measured measured{koi(command, at_.path())};
    measured.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return measured;
  }

  // Runs a command over both trees ("TREE" in it stands for their names) and holds the memory that
  // the larger one takes more against `bytes_a_file`.
  Measured compare(const std::string& what, const std::vector<std::string>& command,
                   int64_t bytes_a_file) const {
    std::map<std::string, Measured> runs;
    for (const std::string tree : {"small", "large"}) {
      std::vector<std::string> words = command;
      for (std::string& word : words) {
        const size_t place = word.find("TREE");
        if (place != std::string::npos) word.replace(place, 4, tree);
      }
      runs[tree] = measure(words);
      EXPECT_LE(runs[tree].result.status, 1) << runs[tree].result.err;
      std::printf("%-24s %7d files %7.2f s, %6.2f CPU s, %4lld MiB\n", what.c_str(),
                  tree == "small" ? count_ / 10 : count_, runs[tree].seconds,
                  runs[tree].result.cpu_s,
                  static_cast<long long>(runs[tree].result.peak_rss_kib / 1024));
      std::fflush(stdout);  // else the next program's process has it too
    }
    constexpr int64_t kSlackBytes = int64_t{8} << 20;  // heaps of threads
    const int64_t grown = runs["large"].result.peak_rss_kib - runs["small"].result.peak_rss_kib;
    EXPECT_LE(grown * 1024, kSlackBytes + bytes_a_file * (count_ - count_ / 10)) << what;
    return runs["large"];
  }

  TempDir at_;
  int count_ = 5000;
  std::string wav_, codes_;
};

// What grows: lists of paths, each of some 300 bytes with its parts, and what is reported of a
// file.
TEST_F(Scale, ListingIsQuickMemoryFlatAndWhatIsDoneIsNotDoneAgain) {
  const std::string all = std::to_string(count_);
  EXPECT_THAT(compare("length", {"length", "TREE"}, 1024).result.out,
              HasSubstr(all + " recordings"));
  compare("validate", {"validate", "TREE"}, 3072);
  const std::vector<std::string> normalize{"loudness-norm", "TREE", "norm-TREE"};
  EXPECT_THAT(compare("loudness-norm", normalize, 1024).result.out, HasSubstr(all + " done"));
  const Measured normalized = compare("loudness-norm, again", normalize, 1024);
  EXPECT_THAT(normalized.result.out, HasSubstr(all + " skipped"));
  EXPECT_LT(normalized.seconds, kSecondRunS);

  const Measured extracted =
      compare("extract-vq, again", {"extract-vq", "TREE", "--checkpoint-path", codec()}, 1024);
  EXPECT_THAT(extracted.result.out, HasSubstr(all + " skipped"));
  EXPECT_LT(extracted.seconds, kSecondRunS);

  const std::vector<std::string> pack{"build-dataset", "--input",          "TREE", "--output",
                                      "protos-TREE",   "--text-extension", ".lab"};
  EXPECT_THAT(compare("build-dataset", pack, 1024).result.out, HasSubstr(all + " done"));
  const Measured packed = compare("build-dataset, again", pack, 1024);
  EXPECT_THAT(packed.result.out, HasSubstr(all + " done"));
  EXPECT_LT(packed.seconds, kSecondRunS);

  // Last: the memory of this process would count as that of the programs that it starts.
  const auto start = std::chrono::steady_clock::now();
  const auto files = base::list_files(at_ / "large", audio::is_audio_path);
  const std::chrono::duration<double> listing = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(files.size(), static_cast<size_t>(count_));
  EXPECT_LT(listing.count(), kListingS);
  std::printf("%-24s %7d files %7.2f s\n", "listing", count_, listing.count());
  std::fflush(stdout);
}

}  // namespace
}  // namespace koi::test
