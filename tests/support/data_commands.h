// The commands that turn folders of files into others, each on data of its own: what has to come
// out the same whatever happens on the way.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "koi/audio/audio_file.h"
#include "koi/base/files.h"
#include "koi/base/random.h"
#include "koi/checkpoint/npy.h"
#include "tests/support/file_tree.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_codec.h"

namespace koi::test {

struct DataCommand {
  std::string name;                    // for the test's
  std::vector<std::string> arguments;  // without the number of threads
  std::string output;                  // the folder that is to be compared
  int recordings = 0;                  // in raw/
};

inline std::vector<DataCommand> data_commands() {
  const std::string codec = kTinyCodec;
  return {{"loudness_norm", {"loudness-norm", "raw", "out"}, "out", 60},
          {"resample", {"resample", "raw", "out", "--sampling-rate", "16000"}, "out", 60},
          {"slice", {"slice", "raw", "out", "--min-duration", "0.5"}, "out", 24},
          {"extract_vq", {"extract-vq", "raw", "--checkpoint-path", codec}, "raw", 20},
          {"build_dataset",
           {"build-dataset", "--input", "codes", "--output", "out", "--text-extension", ".lab",
            "--shard-size", "0"},
           "out",
           0}};
}

// A folder of its own for each run of a command; all have the same files in it, under the same
// names.
class DataPlaces {
 public:
  explicit DataPlaces(const DataCommand& command) : command_(command) {
    write_recordings(command.recordings);
    if (command.recordings == 0) write_codes();
  }

  // A place with the input and nothing else.
  void make(const std::string& place) const {
    base::fs::copy(at_ / "input", at_ / place,
                   base::fs::copy_options::recursive | base::fs::copy_options::create_hard_links);
  }

  base::fs::path input() const { return at_ / "input"; }
  base::fs::path output(const std::string& place) const { return at_ / place / command_.output; }

  std::unique_ptr<Process> start(const std::string& place,
                                 const std::vector<std::string>& more = {"--num-workers", "1"},
                                 const std::map<std::string, std::string>& variables = {}) const {
    std::vector<std::string> argv{"/usr/bin/env", "-C", at_ / place, KOI_BINARY_DIR "/koi"};
    argv.insert(argv.end(), command_.arguments.begin(), command_.arguments.end());
    argv.insert(argv.end(), more.begin(), more.end());
    return std::make_unique<Process>(argv, variables);
  }

  // Is a file being written in the output?
  bool writes(const std::string& place) const {
    std::error_code error;
    base::fs::recursive_directory_iterator entry(output(place), error), end;
    for (; !error && entry != end; entry.increment(error))
      if (entry->path().filename().string().starts_with(".koi-tmp-")) return true;
    return false;
  }

 private:
  // Tones with a silence in the middle, each of another pitch; one that ffmpeg reads.
  void write_recordings(int count) {
    constexpr int kRateHz = 22050;
    base::make_folder(at_ / "input/raw/가");
    base::make_folder(at_ / "input/raw/b");
    for (int i = 0; i < count; ++i) {
      std::vector<float> samples(3 * kRateHz / 2);
      for (size_t t = 0; t < samples.size(); ++t) {
        const bool loud = t / (kRateHz / 2) != 1;
        samples[t] =
            loud ? 0.1F * std::sin((0.1F + 0.01F * static_cast<float>(i)) * static_cast<float>(t))
                 : 0.0F;
      }
      const std::string stem = (i % 3 == 0 ? "input/raw/b/" : "input/raw/가/") + std::to_string(i);
      audio::write_wav_pcm16(at_ / (stem + ".wav"), samples, kRateHz);
      base::write_file(at_ / (stem + ".lab"), "words " + std::to_string(i));
    }
  }

  // One speaker has most of the sentences.
  void write_codes() {
    base::PythonRandom random(5);
    for (int i = 0; i < 800; ++i) {
      const std::string speaker = i < 700 ? "가" : i < 701 ? "b" : "c";
      const base::fs::path stem = at_ / "input/codes" / speaker / std::to_string(i);
      base::make_folder(stem.parent_path());
      checkpoint::Codes codes{8, 40 + i % 100, {}};
      for (int64_t v = 0; v < 8 * codes.frames; ++v)
        codes.values.push_back(static_cast<int32_t>(random.below(1024)));
      checkpoint::write_codes(stem.string() + ".npy", codes);
      base::write_file(stem.string() + ".lab", "문장 " + std::to_string(i));
    }
  }

  const DataCommand& command_;
  TempDir at_;
};

}  // namespace koi::test
