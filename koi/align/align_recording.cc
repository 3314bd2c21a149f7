#include "koi/align/align_recording.h"

#include <fmt/format.h>

#include <algorithm>

#include "koi/align/spoken_units.h"
#include "koi/audio/recording_parts.h"
#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/leftovers.h"
#include "koi/dataset/transcript.h"
#include "koi/text/encoding.h"

namespace koi::align {
namespace {

namespace fs = base::fs;

constexpr uint64_t kMaxTextBytes = uint64_t{1} << 24;
constexpr double kLeastFit = 0.5;  // mean confidence

// Shares of the time.
constexpr double kHeard = 0.2, kAligned = 0.9;

fs::path with_suffix(const fs::path& folder, const fs::path& recording, const std::string& suffix) {
  return folder / (recording.stem().string() + suffix);
}

// Is this a clip of the recording, its words or the table?
bool is_of(const fs::path& recording, const fs::path& file) {
  std::string name = file.filename().string();
  const std::string stem = recording.stem().string();
  if (name == stem + ".align.tsv") return true;
  if (!name.starts_with(stem + "_")) return false;
  name.erase(0, stem.size() + 1);
  const size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
  return digits >= 4 && (name.substr(digits) == ".wav" || name.substr(digits) == ".lab");
}

// The table first: without it the recording is not finished.
std::vector<fs::path> old_files(const fs::path& recording, const fs::path& folder) {
  std::vector<fs::path> files = base::list_files(
      folder, [&](const fs::path& file) { return is_of(recording, file); }, false);
  std::stable_partition(files.begin(), files.end(),
                        [](const fs::path& file) { return file.extension() == ".tsv"; });
  return files;
}

// There as long as clips are without their table.
fs::path begun_file(const fs::path& recording, const fs::path& folder) {
  return folder / ("." + recording.stem().string() + ".align-begun");
}

[[noreturn]] void fail_fit(const fs::path& recording, const fs::path& text,
                           const std::string& why) {
  throw Error(ErrorKind::corrupt, recording.string(),
              text.string() + " is not what is said there: " + why,
              "give the text that is read in this recording, all of it and in its order");
}

// Far from what people do nobody needs to look for the best reading.
void check_lengths(const fs::path& recording, const fs::path& text,
                   const std::vector<Phrase>& phrases, const SpeechMap& map) {
  constexpr double kFactor = 5;
  double expected_s = 0, spoken_s = 0;
  const Reader usual;
  for (const Phrase& phrase : phrases) expected_s += phrase.units * usual.seconds_per_unit;
  for (const Stretch& stretch : map.speech) spoken_s += stretch.duration_s();
  if (expected_s <= kFactor * spoken_s && spoken_s <= 60 + kFactor * kFactor * expected_s) return;
  fail_fit(recording, text,
           fmt::format("it takes about {:.0f} s to say, and {:.0f} s of speech are there",
                       expected_s, spoken_s));
}

size_t text_bytes(const std::vector<Clip>& clips) {
  size_t bytes = 0;
  for (const Clip& clip : clips) bytes += clip.text.size();
  return bytes;
}

double mean_confidence(const std::vector<Clip>& clips) {
  double sum = 0;
  for (const Clip& clip : clips) sum += clip.confidence * static_cast<double>(clip.text.size());
  return sum / static_cast<double>(text_bytes(clips));
}

class Writer {
 public:
  Writer(const fs::path& recording, const fs::path& folder, const AlignOptions& options)
      : recording_(recording), folder_(folder), options_(options) {}

  Aligned write(const std::vector<Clip>& clips, const std::function<void(double)>& on_part) {
    Aligned aligned{.confidence = mean_confidence(clips), .text_bytes = text_bytes(clips)};
    std::string table = "file\tbegin_s\tend_s\tconfidence\ttext\n";
    std::vector<audio::RecordingPart> parts;
    std::vector<const Clip*> written;
    size_t number = 0;
    for (const Clip& clip : clips) {
      if (!clip.time) {
        ++aligned.unread;
        table += fmt::format("\t\t\t0\t{}\n", clip.text);
        continue;
      }
      const fs::path to = with_suffix(folder_, recording_, fmt::format("_{:04}.wav", ++number));
      const bool sure = clip.confidence >= options_.least_confidence;
      const auto [begin_s, end_s] = *clip.time;
      ++(sure ? aligned.clips : aligned.unsure);
      (sure ? aligned.clips_s : aligned.unsure_s) += end_s - begin_s;
      table += fmt::format("{}\t{:.3f}\t{:.3f}\t{:.3f}\t{}\n",
                           sure ? printable(to.filename().string()) : "", begin_s, end_s,
                           clip.confidence, clip.text);
      if (!sure) continue;
      parts.push_back({begin_s, end_s, to});
      written.push_back(&clip);
    }
    base::make_folder(folder_);
    base::remove_leftovers(folder_);
    begin_files();
    size_t done = 0;
    audio::write_parts(recording_, parts, [&] {
      fs::path lab = parts[done].to;
      base::write_file(lab.replace_extension(".lab"), written[done]->text + "\n");
      ++done;
      on_part(static_cast<double>(done) / static_cast<double>(parts.size()));
    });
    base::write_file(with_suffix(folder_, recording_, ".align.tsv"), table);
    fs::remove(begun_file(recording_, folder_));
    return aligned;
  }

 private:
  // Removes the clips of an earlier run, and no files that only have such names.
  void begin_files() const {
    const std::vector<fs::path> old = old_files(recording_, folder_);
    const fs::path begun = begun_file(recording_, folder_);
    const bool ours =
        options_.overwrite || fs::exists(begun) || old.empty() || old.front().extension() == ".tsv";
    if (!ours) {
      throw Error(ErrorKind::usage, old.front().string(),
                  "is called like a clip of " + recording_.filename().string() +
                      ", but koi align did not make it",
                  "choose another folder or --speaker, or --overwrite");
    }
    base::write_file(begun, "");
    for (const fs::path& path : old) {
      std::error_code error;
      fs::remove(path, error);
      if (error) throw Error(ErrorKind::io, path.string(), "cannot be removed: " + error.message());
    }
  }

  const fs::path& recording_;
  const fs::path& folder_;
  const AlignOptions& options_;
};

}  // namespace

std::string read_text(const fs::path& path) {
  const std::string bytes = base::read_file(path, kMaxTextBytes);
  try {
    return dataset::decode_text(bytes, path.string(), dataset::TextRules::repaired);
  } catch (const Error&) {
    const std::string_view encoding = text::guess_encoding(bytes);
    const std::optional<std::string> decoded =
        encoding.empty() ? std::nullopt : text::decode(bytes, encoding);
    if (!decoded) throw;
    return dataset::decode_text(*decoded, path.string(), dataset::TextRules::repaired);
  }
}

Aligned align_recording(const fs::path& recording, const fs::path& text, const fs::path& folder,
                        const AlignOptions& options,
                        const std::function<void(double)>& on_progress) {
  const auto tell = [&](double share) {
    if (on_progress) on_progress(share);
  };
  std::error_code error;
  if (fs::equivalent(fs::absolute(recording).parent_path(), folder, error)) {
    throw Error(ErrorKind::usage, folder.string(),
                "is the recording's own folder: the next run would take the clips for recordings",
                "choose another folder for the clips, or another --speaker");
  }
  if (!options.overwrite &&
      fs::is_regular_file(with_suffix(folder, recording, ".align.tsv"), error)) {
    fs::remove(begun_file(recording, folder), error);
    tell(1);
    return {.skipped = true};
  }
  const std::vector<Phrase> phrases = split_phrases(read_text(text));
  if (phrases.empty())
    throw Error(ErrorKind::corrupt, text.string(), "there is nothing to say in this transcript");
  const SpeechMap map = find_speech(recording);
  if (map.speech.empty())
    throw Error(ErrorKind::corrupt, recording.string(), "is silent", "record it again");
  check_lengths(recording, text, phrases, map);
  tell(kHeard);
  const Alignment alignment =
      align(phrases, map, [&](double share) { tell(kHeard + share * (kAligned - kHeard)); });
  const std::vector<Clip> clips = choose_clips(phrases, map, alignment, options.clips);
  if (mean_confidence(clips) < kLeastFit) {
    fail_fit(
        recording, text,
        fmt::format("the mean confidence is {:.2f}, under {}", mean_confidence(clips), kLeastFit));
  }
  const Aligned aligned = Writer(recording, folder, options).write(clips, [&](double share) {
    tell(kAligned + share * (1 - kAligned));
  });
  tell(1);
  return aligned;
}

}  // namespace koi::align
