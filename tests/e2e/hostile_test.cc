// The data commands over a folder in which everything lies that can lie in a folder: each ends
// soon, names in one line whatever it cannot take, and does the rest. And on a disk that is full:
// nothing half written stays, and with room again the same command completes.
//
// As root the permissions of files do not bind, so the commands run without the capabilities that
// pass over them. What cannot be set up fails the test.
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "koi/audio/audio_file.h"
#include "koi/base/error.h"
#include "koi/base/files.h"
#include "koi/base/utf8.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Words = std::vector<std::string>;

constexpr char kCodec[] = "base/firefly-gan-vq-fsq-8x1024-21hz-generator.pth";

Words lines_of(const std::string& text) {
  Words lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class Hostile : public testing::Test {
 protected:
  void SetUp() override {
    const RunResult made = koi({"init", "base", "--preset", "tiny"}, at_.path());
    ASSERT_EQ(made.status, 0) << made.err;
    fs::create_directories(raw_);
  }

  void TearDown() override {
    for (const char* folder : {"raw/closed", "raw/fixed"}) {
      std::error_code ignored;
      fs::permissions(at_ / folder, fs::perms::owner_all, ignored);
    }
  }

  // A second of sound and its words.
  void write_recording(const fs::path& path, int seed) const {
    std::vector<float> samples(16000);
    for (size_t t = 0; t < samples.size(); ++t)
      samples[t] =
          0.1F * std::sin((0.1F + 0.01F * static_cast<float>(seed)) * static_cast<float>(t));
    audio::write_wav_pcm16(path, samples, 16000);
    base::write_file(fs::path(path).replace_extension(".lab"), "words of " + std::to_string(seed));
  }

  // A recording of these bytes.
  void write_bytes(const std::string& stem, const std::string& bytes) const {
    base::write_file(raw_ / (stem + ".wav"), bytes);
    base::write_file(raw_ / (stem + ".lab"), "words of " + stem);
  }

  void make_tree() {
    for (const std::string& stem : good_) write_recording(raw_ / (stem + ".wav"), seed_++);
    fs::create_directories(raw_ / "folder.wav");
    write_recording(raw_ / "folder.wav/inner.wav", seed_++);
    write_bytes("empty", "");
    write_bytes("text", "no sound at all, but words");
    std::string bytes = base::read_file(raw_ / "good.wav");
    bytes.replace(16, 4, "\xff\xff\xff\xff");
    write_bytes("format", bytes);
    bytes = base::read_file(raw_ / "good.wav").substr(0, 1000);
    write_bytes("cut", bytes);
    fs::create_directory_symlink("..", raw_ / "circle");
    fs::create_symlink("dangling.wav", raw_ / "itself.wav");
    fs::create_symlink("itself.wav", raw_ / "dangling.wav");
    ASSERT_EQ(::mkfifo((raw_ / "pipe.wav").c_str(), 0600), 0);
    make_socket("socket.wav");
    write_recording(raw_ / "locked.wav", seed_++);
    fs::permissions(raw_ / "locked.wav", fs::perms::none);
    fs::create_directories(at_ / "raw/closed");
    write_recording(at_ / "raw/closed/unseen.wav", seed_++);
    fs::permissions(at_ / "raw/closed", fs::perms::none);
    ASSERT_NE(run_bound({"ls", "raw/closed"}).status, 0) << "permissions do not bind";
    ASSERT_NE(run_bound({"cat", "raw/s/locked.wav"}).status, 0) << "permissions do not bind";
  }

  // Addresses of sockets are short, so it is made where it lies.
  void make_socket(const std::string& name) const {
    const int made = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = "/proc/self/cwd/" + name;
    ASSERT_LT(path.size(), sizeof(address.sun_path));
    std::copy(path.begin(), path.end(), address.sun_path);
    const fs::path before = fs::current_path();
    fs::current_path(raw_);
    const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    const int status = ::bind(made, generic, sizeof(address));
    fs::current_path(before);
    ::close(made);
    ASSERT_EQ(status, 0);
  }

  // Bound by permissions, in a minute at most.
  RunResult run_bound(const Words& command) const {
    Words words{"timeout", "60"};
    if (::geteuid() == 0)
      words.insert(words.end(), {"setpriv", "--bounding-set", "-dac_override,-dac_read_search"});
    words.insert(words.end(), command.begin(), command.end());
    return run(words, at_.path());
  }

  RunResult run_koi(Words command) const {
    command.insert(command.begin(), KOI_BINARY_DIR "/koi");
    return run_bound(command);
  }

  // Status 1, and of what the command says one line for each of `bad`, all of it printable.
  void expect_named(const Words& command, const Words& bad) const {
    const RunResult result = run_koi(command);
    EXPECT_EQ(result.status, 1) << command[0] << ": " << result.err;
    Words lines = lines_of(result.err);
    // What the progress says every ten seconds, on a slow machine.
    std::erase_if(lines, [&](const auto& line) { return line.starts_with(command[0] + " "); });
    for (const std::string& name : bad) {
      const auto named = std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
        return line.find("/" + name + ": ") != std::string::npos;
      });
      EXPECT_EQ(named, 1) << command[0] << ", " << name << "\n" << result.err;
    }
    EXPECT_EQ(lines.size(), bad.size()) << command[0] << "\n" << result.err;
    for (const std::string& line : lines) EXPECT_EQ(line, printable(line)) << command[0];
  }

  void expect_files(const std::string& folder, const Words& names) const {
    for (const std::string& name : names)
      EXPECT_TRUE(fs::is_regular_file(at_ / folder / name)) << folder << "/" << printable(name);
  }

  Words good_with(const std::string& ending) const {
    Words names{"folder.wav/inner" + ending};
    for (const std::string& stem : good_) names.push_back(stem + ending);
    return names;
  }

  TempDir at_;
  const fs::path raw_ = at_ / "raw/s";
  int seed_ = 0;
  const Words good_{"good",      "민지 1",         "new\nline",
                    "tab\tname", "bad\xff\xfeutf", std::string(251, 'x')};
  const Words odd_{"closed",     "circle",   "dangling.wav", "itself.wav",
                   "folder.wav", "pipe.wav", "socket.wav"};
  const Words broken_{"empty.wav", "text.wav", "format.wav", "cut.wav", "locked.wav"};
};

Words both(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST_F(Hostile, ConversionsDoTheRest) {
  make_tree();
  const Words bad = both(odd_, broken_);
  for (const std::string command : {"loudness-norm", "resample", "slice"}) {
    expect_named({command, "raw", command}, bad);
    if (command != "slice") {
      expect_files(command + "/s", good_with(".wav"));
      expect_files(command + "/s", good_with(".lab"));
    } else {
      expect_files(command + "/s", good_with("/0000.wav"));
    }
  }
  // A folder that cannot be written to.
  fs::create_directories(at_ / "raw/fixed");
  fs::permissions(at_ / "raw/fixed", fs::perms::owner_read | fs::perms::owner_exec);
  const RunResult refused = run_koi({"resample", "raw/s/folder.wav", "raw/fixed"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("Permission denied"));
}

TEST_F(Hostile, LooksTellTheRest) {
  make_tree();
  const Words bad = both(odd_, broken_);
  expect_named({"length", "raw"}, bad);
  EXPECT_THAT(run_koi({"length", "raw"}).out, HasSubstr("7 recordings"));
  const RunResult checked = run_koi({"validate", "raw", "--html", "v.html", "--fix", "mended"});
  EXPECT_EQ(checked.status, 1) << checked.err;
  const Words lines = lines_of(checked.out);
  for (const std::string& line : lines) EXPECT_EQ(line, printable(line));
  expect_files(".", {"v.html"});
  expect_files("mended/s", good_with(".wav"));
  const RunResult told = run_koi({"validate", "raw", "--json"});
  for (const std::string& name : bad) EXPECT_THAT(told.out, HasSubstr(name));
  // Names that a list cannot hold are left out of it.
  expect_named({"split", "raw", "--min-duration", "0.1"},
               both(bad, {"new\\nline.wav", "bad\\xff\\xfeutf.wav"}));
  EXPECT_EQ(lines_of(base::read_file(at_ / "raw/vq_train_filelist.txt")).size(), 3U);
}

TEST_F(Hostile, ImportTakesTheRest) {
  make_tree();
  std::string list;
  Words bad;
  for (const std::string name : {"good.wav", "tab\tname.wav", "민지 1.wav", "empty.wav"})
    list += "raw/s/" + name + "|민지|ko|words of " + printable(name) + "\n";
  for (const std::string name : {"pipe.wav", "dangling.wav", "folder.wav"}) {
    list += "raw/s/" + name + "|민지|ko|words\n";
    bad.push_back(name);
  }
  base::write_file(at_ / "all.list", list);
  const RunResult result = run_koi({"import", "all.list", "imported"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(lines_of(result.err).size(), bad.size()) << result.err;
  for (const std::string& name : bad) EXPECT_THAT(result.err, HasSubstr(name));
  expect_files("imported/민지", {"good.wav", "good.lab", "민지 1.lab"});
}

TEST_F(Hostile, CodesAndShardsOfTheRest) {
  make_tree();
  const Words bad = both(odd_, broken_);
  expect_named({"extract-vq", "raw", "--checkpoint-path", kCodec}, bad);
  expect_files("raw/s", good_with(".npy"));
  ASSERT_EQ(::mkfifo((raw_ / "pipe.npy").c_str(), 0600), 0);
  base::write_file(raw_ / "text.npy", "no codes");
  fs::remove(raw_ / "good.lab");
  fs::create_symlink("good.lab", raw_ / "good.lab");
  expect_named(
      {"build-dataset", "--input", "raw", "--output", "protos", "--text-extension", ".lab"},
      {"closed", "circle", "pipe.npy", "text.npy", "good.lab"});
  expect_files("protos", {"00000000.protos"});
}

// What a full disk does to one command.
struct Full {
  Words command;     // works in "full", a small file system in which "full/in" is
  int room_kib = 0;  // that are free in the first run
};

class FullDisk : public Hostile {
 protected:
  void SetUp() override {
    Hostile::SetUp();
    for (int i = 0; i < 6; ++i) write_recording(raw_ / (std::to_string(i) + ".wav"), i);
    fs::create_directories(at_ / "full");
  }

  // In namespaces of its own, so that anybody may mount and nothing is left behind.
  void fill(const Full& full) const {
    SCOPED_TRACE(full.command[0]);
    constexpr char kScript[] = R"(
      mount -t tmpfs -o size=2m none full || exit 99
      cp -r raw full/in
      dd if=/dev/zero of=full/filler bs=4k 2>dd.err
      truncate -s -"$1"K full/filler; shift
      timeout 60 "$@" >first.out 2>first.err; echo $? >first.status
      find full -name '.koi*' >leftovers
      find full -type f ! -name filler ! -name "koi-failures*" -exec sha256sum {} + >sums
      rm full/filler
      timeout 60 "$@" >second.out 2>second.err; echo $? >second.status
      sha256sum --quiet -c sums >changed 2>&1
      find full -name '.koi*' >>leftovers
      rm -rf made && cp -r full made
    )";
    Words words{"unshare",
                "--map-root-user",
                "--mount",
                "sh",
                "-c",
                kScript,
                "sh",
                std::to_string(full.room_kib),
                KOI_BINARY_DIR "/koi"};
    words.insert(words.end(), full.command.begin(), full.command.end());
    const RunResult result = run(words, at_.path());
    ASSERT_NE(result.status, 99) << "nothing can be mounted here: " << result.err;
    ASSERT_THAT(said("dd.err"), HasSubstr("No space left"));
    EXPECT_EQ(said("first.status"), "1\n") << said("first.err");
    EXPECT_THAT(said("first.err") + said("first.out"), HasSubstr("No space left on device"));
    EXPECT_EQ(said("second.status"), "0\n") << said("second.err");
    EXPECT_EQ(said("leftovers"), "");
    EXPECT_EQ(said("changed"), "");
  }

  std::string said(const std::string& file) const { return base::read_file(at_ / file); }

  // What is there in the end equals what the command makes where there is room.
  void expect_same(const Words& command, const std::string& folder) const {
    fs::remove_all(at_ / "full");
    fs::create_directories(at_ / "full");
    fs::copy(at_ / "raw", at_ / "full/in", fs::copy_options::recursive);
    EXPECT_EQ(koi(command, at_.path()).status, 0);
    const auto all = [](const fs::path&) { return true; };
    const auto files = base::list_files(at_ / "full" / folder, all);
    EXPECT_FALSE(files.empty());
    EXPECT_EQ(files.size(), base::list_files(at_ / "made" / folder, all).size());
    for (const fs::path& file : files) {
      const fs::path relative = file.lexically_relative(at_ / "full");
      EXPECT_EQ(base::read_file(at_ / "made" / relative), base::read_file(file)) << relative;
    }
    fs::remove_all(at_ / "full");
    fs::create_directories(at_ / "full");
  }
};

TEST_F(FullDisk, NothingHalfWrittenAndTheSecondRunCompletes) {
  for (const Full& full : {
           Full{{"loudness-norm", "raw", "full/out"}, 100},
           Full{{"resample", "raw", "full/out"}, 200},
           Full{{"slice", "raw", "full/out"}, 100},
           Full{{"extract-vq", "full/in", "--checkpoint-path", kCodec}, 8},
       }) {
    fill(full);
    expect_same(full.command, full.command[0] == "extract-vq" ? "in" : "out");
  }
}

TEST_F(FullDisk, ListsShardsPagesAndCopies) {
  ASSERT_EQ(koi({"extract-vq", "raw", "--checkpoint-path", kCodec}, at_.path()).status, 0);
  base::write_file(at_ / "in.list", [this] {
    std::string lines;
    for (int i = 0; i < 6; ++i)
      lines += "raw/s/" + std::to_string(i) + ".wav|민지|ko|말 " + std::to_string(i) + "\n";
    return lines;
  }());
  const Words pack{"build-dataset", "--input",          "raw", "--output",
                   "full/protos",   "--text-extension", ".lab"};
  const Words import{"import", "in.list", "full/imported"};
  const Words split{"split", "full/in"};
  const Words page{"validate", "raw", "--lenient", "--html", "full/v.html"};
  const Words mend{"validate", "raw", "--lenient", "--fix", "full/mended"};
  fill({pack, 0});
  expect_same(pack, "protos");
  fill({import, 100});
  expect_same(import, "imported");
  fill({split, 0});
  expect_same(split, "in");
  fill({page, 0});
  fill({mend, 100});
  expect_same(mend, "mended");
}

}  // namespace
}  // namespace koi::test
