#include "koi/audio/resample_folder.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "koi/audio/convert_rate.h"
#include "koi/audio/resample.h"
#include "koi/base/error.h"

namespace koi::audio {
namespace {

namespace fs = base::fs;

class Job {
 public:
  Job(const fs::path& input, const fs::path& output, const ResampleOptions& options)
      : options_(options), output_(output), folder_(input, output, options.folder) {}

  ResampleReport run(const std::function<void(const FileResult&)>& on_file) {
    ResampleReport report;
    report.folder = folder_.run([&](size_t index) { return convert(folder_.recordings()[index]); },
                                [&](size_t, const FileResult& result) {
                                  if (on_file) on_file(result);
                                });
    folder_.copy_side_files(report.folder);
    report.clipped = clipped_;
    report.as_wav = as_wav_;
    return report;
  }

 private:
  FileResult convert(const fs::path& relative) {
    FileResult result{relative, FileOutcome::done, {}};
    if (folder_.is_finished(output_ / relative)) {
      result.outcome = FileOutcome::skipped;
      return result;
    }
    bool as_it_is = false;
    Place place = folder_.place(relative, [&](AudioInfo& info) {
      const int channels = options_.mono ? 1 : info.channels;
      as_it_is = info.sample_rate_hz == options_.sample_rate_hz && info.channels == channels;
      info.sample_rate_hz = options_.sample_rate_hz;
      info.channels = channels;
    });
    if (options_.reference_bits) place.format = reference_format(place.format);
    if (folder_.is_finished(place.to)) {
      result.outcome = FileOutcome::skipped;
    } else if (as_it_is && !place.as_wav && !options_.reference_bits) {
      copy_recording(place.from, place.to);
      result.outcome = FileOutcome::unchanged;
    } else {
      write(place);
    }
    return result;
  }

  void write(const Place& place) {
    const auto turn = folder_.wait_turn(place);
    Audio<double> audio = read_audio<double>(place.from);
    if (options_.mono && audio.channels > 1) audio = mix_to_mono(audio);
    try {
      audio = convert_rate(audio, options_.sample_rate_hz);
    } catch (const Error& error) {
      throw Error(error.kind(), place.from.string(), error.what());
    }
    base::make_folder(place.to.parent_path());
    write_audio(place.to, audio, place.format);
    as_wav_ += place.as_wav ? 1 : 0;
    const auto passes = [](double sample) { return std::abs(sample) > 1; };
    clipped_ += format_clips(place.format) &&
                        std::any_of(audio.samples.begin(), audio.samples.end(), passes)
                    ? 1
                    : 0;
  }

  const ResampleOptions& options_;
  const fs::path& output_;
  FolderConversion folder_;
  std::atomic<size_t> clipped_ = 0, as_wav_ = 0;
};

}  // namespace

ResampleReport resample_folder(const fs::path& input, const fs::path& output,
                               const ResampleOptions& options,
                               const std::function<void(const FileResult&)>& on_file) {
  if (options.sample_rate_hz < kMinRateHz || options.sample_rate_hz > kMaxRateHz) {
    throw Error(ErrorKind::usage, "--sampling-rate",
                "is " + std::to_string(options.sample_rate_hz) + ", expected " +
                    std::to_string(kMinRateHz) + " to " + std::to_string(kMaxRateHz) + " Hz");
  }
  return Job(input, output, options).run(on_file);
}

}  // namespace koi::audio
