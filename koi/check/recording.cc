#include "koi/check/recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "koi/audio/resample.h"
#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/utf8.h"
#include "koi/checkpoint/npy.h"
#include "koi/dataset/held_out.h"
#include "koi/dataset/speech_rate.h"
#include "koi/dataset/transcript.h"
#include "koi/text/clean.h"
#include "koi/text/unicode.h"

namespace koi::check {
namespace {

namespace fs = base::fs;

// The error without the file's name, which stands beside it anyway.
std::string reason_of(const Error& error, const fs::path& path) {
  const std::string what = error.what();
  const std::string name = printable(path.string()) + ": ";
  return what.starts_with(name) ? what.substr(name.size()) : what;
}

std::string excerpt_of(const std::string& text) {
  constexpr int kMost = 200;
  size_t end = 0;
  for (int i = 0; i < kMost && end < text.size(); ++i) base::next_code_point(text, end);
  return text.substr(0, end);
}

int64_t count_words(const std::string& text) {
  int64_t words = 0;
  bool inside = false;
  for (size_t offset = 0; offset < text.size();) {
    const char32_t code = base::next_code_point(text, offset);
    if (text::is_white_space(code)) {
      inside = false;
    } else if (text::is_word(code) && !inside) {
      inside = true;
      ++words;
    }
  }
  return words;
}

// Of <...> and {...}.
int64_t count_openings(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return c == '<' || c == '{'; });
}

class Look {
 public:
  Look(const fs::path& folder, const fs::path& relative, const CheckOptions& options,
       std::vector<Finding>& findings)
      : folder_(folder), options_(options), findings_(findings) {
    recording_.path = relative;
  }

  Recording run() {
    at_sound();
    at_transcript();
    at_codes();
    return std::move(recording_);
  }

 private:
  void find(Kind kind, std::string what) {
    findings_.push_back({kind, recording_.path, std::move(what)});
  }

  void at_sound() {
    const fs::path path = folder_ / recording_.path;
    try {
      recording_.sound = audio::measure_sound(path);
    } catch (const base::Interrupted&) {
      throw;
    } catch (const Error& error) {
      find(Kind::unreadable, reason_of(error, path));
      return;
    }
    const audio::SoundFigures& sound = *recording_.sound;
    const double silence = -std::numeric_limits<double>::infinity();
    if (sound.duration_s() < 0.4) {
      find(Kind::too_short, fmt::format("is {:.3f} s long", sound.duration_s()));
    } else if (sound.rms == 0 || sound.loudness_lufs == silence) {
      find(Kind::silent, "is silent");
    } else {
      judge(sound);
    }
  }

  void judge(const audio::SoundFigures& sound) {
    constexpr double kLongest_s = 30, kLongestSilence_s = 0.5;
    constexpr double kTelephone_hz = 4600, kNarrow_hz = 9000;
    constexpr double kClippedShare = 2e-4;
    constexpr double kOffsetShare = 0.1, kLeastOffset = 0.001;
    const auto samples = static_cast<double>(sound.frames * sound.channels);
    if (static_cast<double>(sound.clipped_samples) > kClippedShare * samples)
      find(Kind::clipped,
           fmt::format("{} samples ({:.2g} %) stand at full scale in runs", sound.clipped_samples,
                       100 * static_cast<double>(sound.clipped_samples) / samples));
    if (sound.bandwidth_hz > 0 && sound.bandwidth_hz <= kNarrow_hz)
      find(sound.bandwidth_hz <= kTelephone_hz ? Kind::telephone : Kind::narrow_band,
           fmt::format("sounds up to {:.1f} kHz only, at a sample rate of {} Hz",
                       sound.bandwidth_hz / 1000, sound.sample_rate_hz));
    const double offset = std::abs(sound.dc_offset);
    if (offset > kLeastOffset && offset > kOffsetShare * sound.rms)
      find(Kind::dc_offset, fmt::format("its mean is {:.4f} of full scale", sound.dc_offset));
    if (std::max(sound.head_s(), sound.tail_s()) > kLongestSilence_s)
      find(Kind::silent_ends, fmt::format("{:.2f} s of silence in front, {:.2f} s behind",
                                          sound.head_s(), sound.tail_s()));
    if (sound.duration_s() > kLongest_s)
      find(Kind::too_long, fmt::format("is {:.1f} s long", sound.duration_s()));
  }

  void at_transcript() {
    std::error_code ignored;
    for (const std::string& extension : options_.text_extensions) {
      const fs::path path = fs::path(recording_.path).replace_extension(extension);
      if (!fs::is_regular_file(folder_ / path, ignored)) continue;
      recording_.transcript_path = path;
      try {
        read_transcript(folder_ / path);
      } catch (const Error& error) {
        find(Kind::unreadable_transcript,
             path.extension().string() + ": " + reason_of(error, folder_ / path));
      }
      return;
    }
    find(Kind::no_transcript, "has no transcript beside it");
  }

  void read_transcript(const fs::path& path) {
    using dataset::TextRules;
    const std::string bytes = base::read_file(path, kMaxTranscriptBytes);
    const bool is_utf8 = base::is_valid_utf8(bytes);
    const bool has_nul = bytes.find('\0') != std::string::npos;
    const bool has_mark = bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
    if (!is_utf8 && !has_nul && !has_mark) {
      constexpr size_t kEnough = 4096;
      // Up to a space or an end of line, which no encoding has inside of a character.
      const size_t end = bytes.size() > kEnough ? bytes.find_last_of(" \n", kEnough) : bytes.size();
      recording_.undecoded = bytes.substr(0, std::min(end, kEnough));
      return;
    }
    const std::string decoded = dataset::decode_text(bytes, path.string(), TextRules::repaired);
    if (!is_utf8 || has_nul) find(Kind::utf16, "its transcript is UTF-16");
    if (is_utf8 && bytes.starts_with("\xEF\xBB\xBF"))
      find(Kind::utf16, "its transcript begins with a byte order mark");
    judge_text(decoded);
  }

  void judge_text(const std::string& decoded) {
    const std::string spoken = text::strip_markup(decoded);
    if (spoken.empty()) {
      find(Kind::empty_transcript, "its transcript is empty");
      return;
    }
    const std::string packed =
        dataset::tidy_transcript(decoded, recording_.transcript_path, dataset::TextRules::repaired);
    if (packed != spoken) {
      find(Kind::markup, "its transcript holds markup: " + printable(excerpt_of(packed)));
    } else if (count_openings(decoded) > count_openings(packed)) {
      find(Kind::tags, "its transcript holds tags: " + printable(excerpt_of(decoded)));
    }
    recording_.transcript = Transcript{.hash = dataset::text_hash(packed),
                                       .excerpt = excerpt_of(packed),
                                       .letters = dataset::spoken_letters(packed),
                                       .words = count_words(packed),
                                       .script = text::script_of(packed)};
  }

  void at_codes() {
    const fs::path path = folder_ / fs::path(recording_.path).replace_extension(".npy");
    std::error_code ignored;
    if (!recording_.sound || !fs::exists(path, ignored)) return;
    try {
      read_codes(path);
    } catch (const Error& error) {
      find(Kind::bad_codes, ".npy: " + reason_of(error, path));
    }
  }

  void read_codes(const fs::path& path) {
    const int64_t expected = expected_frames();
    // No number takes more than 8 bytes, and the header is of 10,000 at most.
    const auto most = static_cast<uint64_t>((expected + 1) * options_.codebooks * 8 + 20'000);
    const checkpoint::Codes codes = checkpoint::to_codes(
        checkpoint::parse_npy(base::read_file(path, most), path.string()), path.string());
    recording_.codes = CodesShape{codes.codebooks, codes.frames};
    if (codes.codebooks != options_.codebooks || codes.frames != expected) {
      find(Kind::bad_codes, fmt::format("its codes are {} x {}, expected {} x {}", codes.codebooks,
                                        codes.frames, options_.codebooks, expected));
      return;
    }
    const auto highest = std::max_element(codes.values.begin(), codes.values.end());
    if (highest != codes.values.end() && *highest >= options_.codebook_size)
      find(Kind::bad_codes, fmt::format("holds the code {}, expected 0 to {}", *highest,
                                        options_.codebook_size - 1));
  }

  // Columns of codes that extract-vq makes: whole ones of 4 mel frames, a frame each 512 samples.
  int64_t expected_frames() const {
    const int64_t samples =
        audio::resampled_length(recording_.sound->frames, recording_.sound->sample_rate_hz, 44100);
    return samples / 512 / 4;
  }

  const fs::path& folder_;
  const CheckOptions& options_;
  std::vector<Finding>& findings_;
  Recording recording_;
};

}  // namespace

Recording check_recording(const fs::path& folder, const fs::path& relative,
                          const CheckOptions& options, std::vector<Finding>& findings) {
  return Look(folder, relative, options, findings).run();
}

double sounding_s(const audio::SoundFigures& sound) {
  return sound.duration_s() - sound.head_s() - sound.tail_s();
}

}  // namespace koi::check
