// Small corpora in the layouts as they are published.
#include "koi/dataset/import_corpus.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::dataset {
namespace {

using base::read_file;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = base::fs;

class ImportCorpus : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& bytes) {
    base::make_folder((dir / name).parent_path());
    base::write_file(dir / name, bytes);
  }

  std::vector<CorpusEntry> read(const std::string& source) {
    return read_corpus(dir / source, detect_corpus(dir / source), "someone", note);
  }

  ImportReport import(const std::vector<CorpusEntry>& entries, const ImportOptions& options = {}) {
    return import_corpus(entries, output, options, open, note, [this] { ++looked_at; });
  }

  // What was left out, and why.
  std::vector<std::string> reasons() const {
    std::vector<std::string> all;
    for (const LeftOut& bad : left_out) all.push_back(bad.reason);
    return all;
  }

  const test::TempDir dir;
  const fs::path output = dir / "out";
  std::vector<LeftOut> left_out;
  size_t looked_at = 0;
  const LeftOutSink note = [this](const LeftOut& bad) { left_out.push_back(bad); };
  // Parts of text files, as if a byte were a second.
  const OpenRecording open = [](const fs::path& recording) {
    return [bytes = read_file(recording)](const Part& part, const fs::path& to) {
      if (part.end_s > static_cast<double>(bytes.size()))
        throw Error(ErrorKind::corrupt, to.string(), "has no such part");
      const auto begin = static_cast<size_t>(part.begin_s);
      base::write_file(to, bytes.substr(begin, static_cast<size_t>(part.end_s) - begin));
    };
  };
};

TEST_F(ImportCorpus, AFileList) {
  write("vits/wav/a.wav", "A");
  write("vits/wav/b.flac", "B");
  write("vits/train.list",
        "\xEF\xBB\xBFwav/a.wav|민지|ko-KR|안녕, 세상|하나\r\n"
        "wav/b.flac|Ada|x-klingon|  nuqneH \n"
        "wav/none.wav|Ada|en|gone\n"
        "wav/a.wav|Ada\n"
        "wav/a.wav|Ada|en| \n"
        "wav/a.wav|민지|ko|again\n");
  const auto entries = read("vits/train.list");
  ASSERT_EQ(entries.size(), 3U);
  const ImportReport report = import(entries);
  EXPECT_EQ(report.done, 2U);
  EXPECT_EQ(looked_at, 3U);
  EXPECT_EQ(read_file(output / "민지/a.wav"), "A");
  EXPECT_EQ(read_file(output / "민지/a.lab"), "안녕, 세상|하나\n");
  EXPECT_EQ(read_file(output / "Ada/b.lab"), "nuqneH\n");
  EXPECT_EQ(report.languages.at("x-klingon"), 1U);
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("line 4"), HasSubstr("line 3"), HasSubstr("line 5"),
                                     HasSubstr("line 6")));
  EXPECT_TRUE(fs::equivalent(dir / "vits/wav/a.wav", output / "민지/a.wav"));  // a hard link
}

TEST_F(ImportCorpus, LJSpeech) {
  write("LJ/wavs/LJ001-0001.wav", "1");
  write("LJ/wavs/LJ001-0002.wav", "2");
  write("LJ/wavs/LJ001-0003.wav", "3");
  write("LJ/metadata.csv",
        "LJ001-0001|In 1465,|In fourteen sixty-five,\n"
        "LJ001-0002|\"quoted\" as it is|\n"
        "LJ001-0003|two columns\n"
        "LJ001-0004|no recording|no recording\n"
        "no bars at all\n");
  const auto entries = read("LJ");
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].text, "In fourteen sixty-five,");
  EXPECT_EQ(entries[1].text, "\"quoted\" as it is");
  EXPECT_EQ(entries[2].text, "two columns");
  EXPECT_EQ(entries[0].speaker, "someone");
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("line 4"), HasSubstr("line 5")));
  EXPECT_EQ(read("LJ/metadata.csv").size(), 3U);
}

TEST_F(ImportCorpus, CommonVoice) {
  write("cv/ko/clips/common_voice_ko_1.mp3", "1");
  write("cv/ko/clips/common_voice_ko_2.mp3", "2");
  write("cv/ko/validated.tsv",
        "client_id\tpath\tsentence_id\tsentence\tup_votes\tlocale\tsegment\n"
        "c1\tcommon_voice_ko_1.mp3\ts\t안녕하세요.\t2\tko\t\n"
        "c2\tcommon_voice_ko_2\ts\t\"그가 \"\"아니\"\"라고 했다.\"\t2\tko\tBenchmark\r\n"
        "c3\tcommon_voice_ko_3.mp3\ts\t없다\t2\tko\t\n"
        "c4\tcut off\n");
  const auto entries = read("cv/ko");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].speaker, "c1");
  EXPECT_EQ(entries[0].language, "ko");
  EXPECT_EQ(entries[1].text, "그가 \"아니\"라고 했다.");
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("line 4"), HasSubstr("2 columns, expected 7")));
  write("cv/ko/other.tsv", "a\tb\n1\t2\n");
  EXPECT_THROW(read("cv/ko/other.tsv"), Error);
}

TEST_F(ImportCorpus, KaldiWholeRecordings) {
  write("k/audio/u1.flac", "1");
  write("k/wav.scp", "u1 audio/u1.flac\nu2 sph2pipe -f wav x.sph |\nu3 audio/u1.flac\nu1 again\n");
  write("k/text", "u1 hello there\nu2 a command\nu4 nowhere\nu1 twice\nu3\n");
  write("k/utt2spk", "u1 ada\n");
  const auto entries = read("k");
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].name, "u1");
  EXPECT_EQ(entries[0].speaker, "ada");
  EXPECT_EQ(entries[0].text, "hello there");
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("wav.scp, line 4"), HasSubstr("is a command"),
                                     HasSubstr("text, line 3"), HasSubstr("text, line 4"),
                                     HasSubstr("text, line 5")));
}

TEST_F(ImportCorpus, KaldiSegments) {
  write("k/rec.wav", "0123456789");
  write("k/wav.scp", "rec rec.wav\n");
  write("k/segments",
        "u1 rec 0.0 3\nu2 rec 4 9.0\nu3 rec 5 99\nu4 rec 3 2\nu5 rec 1\nu6 rec 1 2\nu7 rec 4 5\n"
        "u8 rec 4 9\n");
  write("k/text", "u1 one\nu2 two\nu3 three\nu4 four\nu5 five\nu7 seven\nu8 two again\n");
  const ImportReport report = import(read("k/wav.scp"));
  EXPECT_EQ(report.done, 3U);
  EXPECT_EQ(read_file(output / "someone/u1.wav"), "012");
  EXPECT_EQ(read_file(output / "someone/u2.wav"), "45678");
  EXPECT_EQ(read_file(output / "someone/u2.lab"), "two\n");
  EXPECT_EQ(read_file(output / "someone/u7.wav"), "4");
  EXPECT_THAT(reasons(),
              ElementsAre(HasSubstr("ends before it begins"),
                          HasSubstr("is not utterance recording begin end"),
                          HasSubstr("there is no text of u6"), HasSubstr("is the recording of"),
                          HasSubstr("has no such part")));
}

TEST_F(ImportCorpus, NamesThatComeAgainAndNamesThatAreNone) {
  write("a/x.wav", "1");
  write("b/x.wav", "2");
  write("x.list",
        "a/x.wav|../up|en|one\nb/x.wav|../up|en|two\na/x.wav||en|three\n"
        "b/x.wav|.hidden|en|four\na/x.wav|.._up|en|five\n");
  EXPECT_EQ(import(read("x.list")).done, 5U);
  EXPECT_EQ(read_file(output / "_._up/x.lab"), "one\n");
  EXPECT_EQ(read_file(output / "_._up/x-2.lab"), "two\n");
  EXPECT_EQ(read_file(output / "speaker/x.lab"), "three\n");
  EXPECT_EQ(read_file(output / "_hidden/x.lab"), "four\n");
  EXPECT_EQ(read_file(output / "_._up-2/x.lab"), "five\n");
}

// 20,000 recordings of one name: a minute and more where each name is sought from -2 on.
TEST_F(ImportCorpus, ManyOfOneName) {
  constexpr size_t kMany = 20'000;
  std::vector<CorpusEntry> entries;
  for (size_t i = 0; i < kMany; ++i) {
    const std::string number = std::to_string(i);
    entries.push_back({"line " + number, dir / number / "audio.wav", {}, "audio", "S", "", "x"});
  }
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(import(entries, {.num_workers = 1}).done, 0U);  // there are none
  EXPECT_EQ(looked_at, kMany);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(ImportCorpus, ASecondRunDoesWhatIsNotFinished) {
  write("a.wav", "1");
  write("b.wav", "2");
  write("x.list", "a.wav|S|en|one\nb.wav|S|en|two\n");
  const auto entries = read("x.list");
  import(entries, {.copy = true});
  EXPECT_FALSE(fs::equivalent(dir / "a.wav", output / "S/a.wav"));
  fs::remove(output / "S/b.lab");
  base::write_file(output / "S/a.lab", "mended by hand\n");
  write("out/S/.koi-tmp-99-0", "half");  // of a killed run
  const ImportReport second = import(entries);
  EXPECT_EQ(second.done, 1U);
  EXPECT_EQ(second.skipped, 1U);
  EXPECT_FALSE(fs::exists(output / "S/.koi-tmp-99-0"));
  EXPECT_EQ(read_file(output / "S/a.lab"), "mended by hand\n");
  EXPECT_EQ(import(entries, {.overwrite = true}).done, 2U);
  EXPECT_EQ(read_file(output / "S/a.lab"), "one\n");
}

TEST_F(ImportCorpus, InPlaceNothingIsLost) {
  write("out/S/a.wav", "1");
  write("x.list", "out/S/a.wav|S|en|one\n");
  EXPECT_EQ(import(read("x.list"), {.overwrite = true}).done, 1U);
  EXPECT_EQ(read_file(output / "S/a.wav"), "1");
}

TEST_F(ImportCorpus, FoldersOfNoKnownLayoutAreNamed) {
  base::make_folder(dir / "empty");
  EXPECT_THROW(detect_corpus(dir / "empty"), Error);
  EXPECT_THROW(detect_corpus(dir / "nowhere"), Error);
}

}  // namespace
}  // namespace koi::dataset
