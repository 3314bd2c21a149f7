#include "koi/check/fix_folder.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "koi/base/error.h"
#include "koi/dataset/transcript.h"
#include "koi/text/clean.h"
#include "koi/text/encoding.h"

namespace koi::check {
namespace {

namespace fs = base::fs;

void require_apart(const fs::path& input, const fs::path& output) {
  const fs::path from = fs::canonical(input);
  const fs::path to = fs::weakly_canonical(fs::absolute(output));
  if (audio::lies_in(from, to) || audio::lies_in(to, from)) {
    throw Error(ErrorKind::usage, "--fix",
                "the copy would lie in the recordings' own folder, or the other way round",
                "choose another folder");
  }
}

// Takes silence and means away.
void mend(audio::Audio<double>& audio, const audio::SoundFigures& sound) {
  constexpr double kKept_s = 0.2;
  const auto kept = static_cast<int64_t>(std::llround(kKept_s * audio.sample_rate_hz));
  const int64_t begin = std::max<int64_t>(0, sound.silent_head - kept);
  const int64_t end = audio.frames() - std::max<int64_t>(0, sound.silent_tail - kept);
  auto& samples = audio.samples;
  samples.erase(samples.begin() + end * audio.channels, samples.end());
  samples.erase(samples.begin(), samples.begin() + begin * audio.channels);
  const auto channels = static_cast<size_t>(audio.channels);
  for (size_t c = 0; c < channels; ++c) {
    double sum = 0;
    for (size_t i = c; i < samples.size(); i += channels) sum += samples[i];
    const double mean = sum / static_cast<double>(end - begin);
    for (size_t i = c; i < samples.size(); i += channels) samples[i] -= mean;
  }
}

class Fix {
 public:
  Fix(const Report& report, const FixOptions& options)
      : report_(report),
        output_(options.output),
        folder_(report.folder, options.output, {.workers = options.workers}),
        findings_(report.recordings.size()) {
    for (const Finding& finding : report.findings) {
      if (finding.recording) findings_[*finding.recording].push_back(&finding);
    }
  }

  audio::FolderReport run(const std::function<void()>& on_file) {
    return folder_.run([this](size_t index) { return convert(folder_.recordings()[index]); },
                       [&on_file](size_t, const audio::FileResult&) {
                         if (on_file) on_file();
                       });
  }

 private:
  // What is to be done with one recording.
  struct Job {
    const Recording& recording;
    std::string left_out{};
    bool new_sound = false;
    bool new_text = false;
    std::string done{};  // in words
  };

  Job plan(size_t index) const {
    Job job{.recording = report_.recordings[index]};
    const auto note = [&job](const std::string& words) {
      job.done += (job.done.empty() ? "" : "; ") + words;
    };
    for (const Finding* finding : findings_[index]) {
      if (info_of(finding->kind).mending == Mending::left_out)
        job.left_out = "left out: " + finding->what;
      switch (finding->kind) {
        case Kind::silent_ends:
        case Kind::dc_offset:
          job.new_sound = true;
          note(finding->kind == Kind::silent_ends ? "silence at the ends cut to 0.2 s"
                                                  : "brought back to the zero line");
          break;
        case Kind::encoding:
        case Kind::utf16:
        case Kind::markup:
        case Kind::tags:
          job.new_text = true;
          note(finding->kind == Kind::encoding || finding->kind == Kind::utf16
                   ? "transcript turned into UTF-8"
                   : "markup taken out of the transcript");
          break;
        default:
          break;
      }
    }
    return job;
  }

  audio::FileResult convert(const fs::path& relative) {
    using audio::FileOutcome;
    const auto& recordings = report_.recordings;
    const auto place = std::lower_bound(
        recordings.begin(), recordings.end(), relative,
        [](const Recording& a, const fs::path& b) { return base::path_parts_less(a.path, b); });
    if (place == recordings.end() || place->path != relative)
      return {relative, FileOutcome::left_out, "left out: came after the folder was looked at"};
    const Job job = plan(static_cast<size_t>(place - recordings.begin()));
    if (!job.left_out.empty()) return {relative, FileOutcome::left_out, job.left_out};
    const FileOutcome outcome = job.new_sound ? write_sound(job) : copy_sound(job);
    const bool plain = outcome == FileOutcome::unchanged && job.new_text;
    return {relative, plain ? FileOutcome::done : outcome, job.done};
  }

  audio::FileOutcome copy_sound(const Job& job) const {
    const fs::path& path = job.recording.path;
    if (folder_.is_finished(output_ / path)) return audio::FileOutcome::skipped;
    write_text(job);
    const fs::path codes = fs::path(path).replace_extension(".npy");
    std::error_code ignored;
    if (fs::is_regular_file(report_.folder / codes, ignored))
      audio::copy_recording(report_.folder / codes, output_ / codes);
    audio::copy_recording(report_.folder / path, output_ / path);
    return audio::FileOutcome::unchanged;
  }

  audio::FileOutcome write_sound(const Job& job) {
    const audio::Place place = folder_.place(job.recording.path, [](audio::AudioInfo& info) {
      if (!audio::is_lossless(info.format)) info.format = 0;  // not to be written: becomes a .wav
    });
    if (folder_.is_finished(place.to)) return audio::FileOutcome::skipped;
    const auto turn = folder_.wait_turn(place);
    audio::Audio<double> audio = audio::read_audio<double>(place.from);
    const audio::SoundFigures& sound = *job.recording.sound;
    if (audio.frames() != sound.frames || audio.channels != sound.channels) {
      throw Error(ErrorKind::io, place.from.string(), "was changed since it was looked at",
                  "run the command again");
    }
    mend(audio, sound);
    write_text(job);
    base::make_folder(place.to.parent_path());
    audio::write_audio(place.to, audio, place.format);
    return audio::FileOutcome::done;
  }

  void write_text(const Job& job) const {
    const fs::path& path = job.recording.transcript_path;
    if (path.empty()) return;
    if (job.new_text) {
      base::make_folder((output_ / path).parent_path());
      base::write_file(output_ / path, text::strip_markup(decoded_text(job.recording)) + "\n");
    } else {
      audio::copy_recording(report_.folder / path, output_ / path);
    }
  }

  std::string decoded_text(const Recording& recording) const {
    const fs::path path = report_.folder / recording.transcript_path;
    std::string bytes = base::read_file(path, kMaxTranscriptBytes);
    if (!recording.encoding.empty()) {
      const auto decoded = text::decode(bytes, recording.encoding);
      if (!decoded) {
        throw Error(ErrorKind::corrupt, path.string(),
                    "is " + std::string(recording.encoding) + " in its beginning only",
                    "save it as UTF-8 text");
      }
      bytes = *decoded;
    }
    return dataset::decode_text(bytes, path.string(), dataset::TextRules::repaired);
  }

  const Report& report_;
  const fs::path& output_;
  audio::FolderConversion folder_;
  std::vector<std::vector<const Finding*>> findings_;  // of each recording
};

}  // namespace

audio::FolderReport fix_folder(const Report& report, const FixOptions& options,
                               const std::function<void()>& on_file) {
  require_apart(report.folder, options.output);
  return Fix(report, options).run(on_file);
}

}  // namespace koi::check
