#include "koi/audio/slice_folder.h"

#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "koi/audio/resample.h"
#include "koi/base/error.h"

namespace koi::audio {
namespace {

namespace fs = base::fs;

constexpr std::array kTranscripts{".lab", ".txt"};

// Where the pieces of one recording lie.
class PieceNames {
 public:
  PieceNames(const fs::path& recording, bool flat) {
    const fs::path stem = fs::path(recording).replace_extension();
    folder_ = flat ? stem.parent_path() : stem;
    if (flat) prefix_ = stem.filename().string() + "_";
  }

  const fs::path& folder() const { return folder_; }

  fs::path path(size_t number, const std::string& extension) const {
    char digits[24];
    std::snprintf(digits, sizeof(digits), "%04zu", number);
    return folder_ / (prefix_ + digits + extension);
  }

  // Is this one of the pieces, or the transcript of one?
  bool owns(const fs::path& path) const {
    std::string name = path.stem().string();
    if (!name.starts_with(prefix_)) return false;
    name.erase(0, prefix_.size());
    const std::string extension = path.extension().string();
    return name.size() >= 4 && name.find_first_not_of("0123456789") == std::string::npos &&
           (extension == ".wav" ||
            std::find(kTranscripts.begin(), kTranscripts.end(), extension) != kTranscripts.end());
  }

 private:
  fs::path folder_;
  std::string prefix_;
};

// What one recording became.
struct Sliced {
  size_t pieces = 0;
  double pieces_s = 0;
  size_t transcripts = 0;
};

class Job {
 public:
  Job(const fs::path& input, const fs::path& output, const SliceFolderOptions& options)
      : options_(options), input_(input), output_(output), folder_(input, output, options.folder) {}

  SliceReport run(const std::function<void(const FileResult&)>& on_file) {
    std::vector<Sliced> sliced(folder_.recordings().size());
    SliceReport report;
    report.folder =
        folder_.run([&](size_t index) { return slice(folder_.recordings()[index], sliced[index]); },
                    [&](size_t index, const FileResult& result) {
                      report.pieces += sliced[index].pieces;
                      report.pieces_s += sliced[index].pieces_s;
                      report.transcripts += sliced[index].transcripts;
                      if (on_file) on_file(result);
                    });
    return report;
  }

 private:
  FileResult slice(const fs::path& relative, Sliced& sliced) {
    folder_.require_name_of_its_own(relative);
    const PieceNames names(output_ / relative, options_.flat);
    if (folder_.is_finished(names.path(0, ".wav"))) return {relative, FileOutcome::skipped, {}};
    const Place place = folder_.place(relative);
    const auto turn = folder_.wait_turn(place);
    const Audio<float> audio = read_audio<float>(place.from);
    std::vector<float> mono;
    if (audio.channels > 1) mono = mono_mix(audio);  // else no second copy of hours of sound
    const std::vector<Piece> pieces =
        plan_pieces(mono.empty() ? audio.samples : mono, audio.sample_rate_hz, options_.slice);
    if (options_.folder.overwrite) remove_old(names);
    if (pieces.empty()) {
      return {relative, FileOutcome::left_out,
              printable(place.from.string() + ": is silent, it has no piece"), audio.duration_s()};
    }
    base::make_folder(names.folder());
    FileResult result{relative, FileOutcome::done,
                      carry_transcripts(relative, pieces.size(), names, sliced),
                      audio.duration_s()};
    for (size_t number = pieces.size(); number-- > 0;) {
      write_piece(audio, pieces[number], names.path(number, ".wav"));
      ++sliced.pieces;
      sliced.pieces_s += static_cast<double>(length_of(pieces[number])) / audio.sample_rate_hz;
    }
    return result;
  }

  // Pieces of an earlier run, the first one first: without it the recording is not finished.
  static void remove_old(const PieceNames& names) {
    std::error_code error;
    if (!fs::is_directory(names.folder(), error)) return;
    for (const fs::path& path : base::list_files(
             names.folder(), [&](const fs::path& file) { return names.owns(file); }, false)) {
      if (!fs::remove(path, error))
        throw Error(ErrorKind::io, path.string(), "cannot be removed: " + error.message());
    }
  }

  static void write_piece(const Audio<float>& audio, const Piece& piece, const fs::path& path) {
    Audio<double> part{audio.channels, audio.sample_rate_hz, {}};
    for (const Span& span : piece) {
      const auto begin = audio.samples.begin();
      part.samples.insert(part.samples.end(), begin + span.begin * audio.channels,
                          begin + span.end * audio.channels);
    }
    write_audio(path, part, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
  }

  // The message about those that stay behind.
  std::string carry_transcripts(const fs::path& relative, size_t pieces, const PieceNames& names,
                                Sliced& sliced) const {
    std::string message;
    for (const char* extension : kTranscripts) {
      const fs::path text = (input_ / relative).replace_extension(extension);
      std::error_code ignored;
      if (!fs::is_regular_file(text, ignored)) continue;
      if (pieces == 1) {
        copy_recording(text, names.path(0, extension));
        ++sliced.transcripts;
      } else {
        message = printable(text.string() + ": is of the whole recording, its " +
                            std::to_string(pieces) + " pieces have no transcript");
      }
    }
    return message;
  }

  const SliceFolderOptions& options_;
  const fs::path& input_;
  const fs::path& output_;
  FolderConversion folder_;
};

}  // namespace

SliceReport slice_folder(const fs::path& input, const fs::path& output,
                         const SliceFolderOptions& options,
                         const std::function<void(const FileResult&)>& on_file) {
  check_slice_options(options.slice);
  std::error_code ignored;
  if (fs::equivalent(input, output, ignored)) {
    throw Error(ErrorKind::usage, output.string(),
                "is the recordings' own folder: the next run would take the pieces for recordings",
                "choose another folder for the pieces");
  }
  return Job(input, output, options).run(on_file);
}

}  // namespace koi::audio
