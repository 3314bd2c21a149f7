#include "koi/audio/resample_folder.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>

#include "koi/audio/audio_stream.h"
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
      result.audio_s = probe_audio(place.to).duration_s();
    }
    return result;
  }

  // Piece by piece, so that a recording may have any length.
  void write(const Place& place) {
    base::make_folder(place.to.parent_path());
    std::optional<AudioWriter> writer;
    std::optional<RateConverter> converter;
    int channels = 0;
    bool passes_full_scale = false;
    const auto begin = [&](const AudioInfo& info) {
      channels = info.channels;
      AudioInfo made = info;
      made.sample_rate_hz = options_.sample_rate_hz;
      made.channels = options_.mono ? 1 : channels;
      made.format = place.format;
      writer.emplace(place.to, made);
      converter.emplace(made.channels, info.sample_rate_hz, made.sample_rate_hz,
                        [&](std::span<const double> samples) {
                          passes_full_scale |=
                              std::any_of(samples.begin(), samples.end(),
                                          [](double sample) { return std::abs(sample) > 1; });
                          writer->write(samples);
                        });
    };
    name_recording(place.from, [&] {
      stream_audio<double>(place.from, begin, [&](std::span<const double> samples) {
        if (options_.mono && channels > 1) {
          converter->add(mix_to_mono(samples, channels));
        } else {
          converter->add(samples);
        }
      });
      converter->finish();
    });
    writer->commit();
    as_wav_ += place.as_wav ? 1 : 0;
    clipped_ += format_clips(place.format) && passes_full_scale ? 1 : 0;
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
