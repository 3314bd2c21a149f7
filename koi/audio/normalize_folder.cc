#include "koi/audio/normalize_folder.h"

#include "koi/audio/audio_stream.h"
#include "koi/base/error.h"

namespace koi::audio {
namespace {

namespace fs = base::fs;

class Job {
 public:
  Job(const fs::path& input, const fs::path& output, const NormalizeOptions& options)
      : options_(options), output_(output), folder_(input, output, options.folder) {}

  NormalizeReport run(const std::function<void(const NormalizedFile&)>& on_file) {
    // What FileResult does not hold, from when a file is made until it is reported.
    std::vector<NormalizedFile> made(folder_.recordings().size());
    NormalizeReport report;
    report.folder = folder_.run(
        [&](size_t index) {
          NormalizedFile& result = made[index];
          result.file.path = folder_.recordings()[index];
          convert(result);
          return result.file;
        },
        [&](size_t index, const FileResult& file) {
          NormalizedFile& result = made[index];
          result.file = file;
          const bool done = file.outcome == FileOutcome::done;
          report.clipped += done && result.clipped ? 1 : 0;
          report.limited += done && result.change.limited ? 1 : 0;
          report.as_wav += done && result.as_wav ? 1 : 0;
          if (on_file) on_file(result);
        });
    folder_.copy_side_files(report.folder);
    return report;
  }

 private:
  void convert(NormalizedFile& result) {
    if (folder_.is_finished(output_ / result.file.path)) {
      result.file.outcome = FileOutcome::skipped;
      return;
    }
    const Place place = folder_.place(result.file.path);
    if (place.as_wav && folder_.is_finished(place.to)) {
      result.file.outcome = FileOutcome::skipped;
    } else {
      normalize(place, result);
    }
  }

  // A long recording is read several times, piece by piece, others once.
  void normalize(const Place& place, NormalizedFile& result) {
    const auto turn = folder_.wait_turn(place);
    const int format = options_.loudness.meter.meter == Meter::pyloudnorm
                           ? reference_format(place.format)
                           : place.format;
    name_recording(place.from, [&] {
      if (place.is_long) {
        normalize_pieces(place, format, result);
      } else {
        normalize_whole(place, format, result);
      }
    });
    if (result.change.outcome != LoudnessOutcome::normalized) {
      keep_bad(place.from, result);
      return;
    }
    result.clipped = result.change.full_scale_samples > 0 && format_clips(format);
    result.as_wav = place.as_wav;
  }

  void normalize_whole(const Place& place, int format, NormalizedFile& result) const {
    Audio<double> audio = read_audio<double>(place.from);
    result.file.audio_s = audio.duration_s();
    result.change = normalize_loudness(audio, options_.loudness);
    if (result.change.outcome != LoudnessOutcome::normalized) return;
    base::make_folder(place.to.parent_path());
    write_audio(place.to, audio, format);
  }

  void normalize_pieces(const Place& place, int format, NormalizedFile& result) const {
    AudioInfo made = probe_audio(place.from);
    made.format = format;
    const auto play = [&](const auto& take) {
      const AudioInfo read = stream_audio<double>(
          place.from, [](const AudioInfo&) {}, take);
      result.file.audio_s = read.duration_s();
    };
    const Playable recording{made.channels, made.sample_rate_hz, play};
    const LoudnessPlan plan = plan_loudness(recording, options_.loudness);
    result.change = plan.change;
    if (plan.change.outcome != LoudnessOutcome::normalized) return;
    base::make_folder(place.to.parent_path());
    AudioWriter writer(place.to, made);
    std::vector<double> piece;
    recording.play([&](std::span<const double> samples) {
      piece.assign(samples.begin(), samples.end());
      result.change.full_scale_samples += plan.apply(piece);
      writer.write(piece);
    });
    writer.commit();
  }

  void keep_bad(const fs::path& from, NormalizedFile& result) const {
    const std::string what = result.change.outcome == LoudnessOutcome::silent
                                 ? "is silent"
                                 : "is too short to be measured";
    result.file.outcome = options_.skip_bad ? FileOutcome::left_out : FileOutcome::unchanged;
    result.file.message = printable(
        from.string() + ": " + what +
        (options_.skip_bad ? ", left out" : ", copied unchanged; --skip-bad leaves it out"));
    if (!options_.skip_bad) copy_recording(from, output_ / result.file.path);
  }

  const NormalizeOptions& options_;
  const fs::path& output_;
  FolderConversion folder_;
};

}  // namespace

NormalizeReport normalize_folder(const fs::path& input, const fs::path& output,
                                 const NormalizeOptions& options,
                                 const std::function<void(const NormalizedFile&)>& on_file) {
  check_loudness_options(options.loudness);
  return Job(input, output, options).run(on_file);
}

}  // namespace koi::audio
