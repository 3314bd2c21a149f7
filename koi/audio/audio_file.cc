#include "koi/audio/audio_file.h"

#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>

#include "koi/audio/audio_stream.h"
#include "koi/audio/container.h"
#include "koi/audio/ffmpeg.h"
#include "koi/base/error.h"

namespace koi::audio {
namespace {

namespace fs = base::fs;

// First those that libsndfile reads, then those that ffmpeg does.
constexpr std::array<std::string_view, 32> kExtensions{
    ".wav", ".flac", ".mp3",  ".ogg", ".oga", ".opus", ".aiff", ".aif", ".aifc", ".au",  ".snd",
    ".caf", ".w64",  ".rf64", ".m4a", ".m4b", ".mp4",  ".mov",  ".3gp", ".aac",  ".wma", ".webm",
    ".mka", ".mkv",  ".ac3",  ".amr", ".ape", ".wv",   ".tta",  ".mp2", ".avi",  ".flv"};

// A mapped file as libsndfile wants to see one. Opened this way it never looks at the name.
struct Source {
  std::string_view bytes;
  sf_count_t position = 0;
};

sf_count_t source_length(void* user) {
  return static_cast<sf_count_t>(static_cast<Source*>(user)->bytes.size());
}

sf_count_t source_seek(sf_count_t offset, int whence, void* user) {
  auto& source = *static_cast<Source*>(user);
  const sf_count_t size = source_length(user);
  const sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? source.position : size;
  // Both in range, so that the sum cannot pass 64 bits.
  source.position = std::clamp(from + std::clamp(offset, -size, size), sf_count_t{0}, size);
  return source.position;
}

sf_count_t source_read(void* out, sf_count_t count, void* user) {
  auto& source = *static_cast<Source*>(user);
  const sf_count_t got = std::clamp(count, sf_count_t{0}, source_length(user) - source.position);
  std::memcpy(out, source.bytes.data() + source.position, static_cast<size_t>(got));
  source.position += got;
  return got;
}

sf_count_t source_write(const void*, sf_count_t, void*) { return 0; }
sf_count_t source_tell(void* user) { return static_cast<Source*>(user)->position; }

std::string format_name(int format) {
  SF_FORMAT_INFO info{};
  info.format = format;
  const int known = sf_command(nullptr, SFC_GET_FORMAT_INFO, &info, sizeof(info));
  return known == 0 && info.name != nullptr ? info.name : "unknown";
}

// A file of sound, open where libsndfile knows it.
class Reader {
 public:
  explicit Reader(const fs::path& path)
      : path_(path.string()), map_(base::MappedFile::open(path)), source_{map_->bytes()} {
    if (source_.bytes.empty()) fail("is empty (0 bytes)", "record or copy it again");
    check_not_truncated(source_.bytes, path_);
    const std::string_view name = foreign_format(source_.bytes);
    if (!name.empty()) {
      foreign_ = {path, "is " + std::string(name)};
      return;
    }
    SF_VIRTUAL_IO calls{source_length, source_seek, source_read, source_write, source_tell};
    file_.reset(sf_open_virtual(&calls, SFM_READ, &info_, &source_));
    if (!file_) {
      std::string reason = sf_strerror(nullptr);
      if (reason.ends_with('.')) reason.pop_back();
      foreign_ = {path, "is not readable as sound (" + reason + ")"};
    } else if (info_.channels < 1 || info_.samplerate < 1 || info_.frames < 1) {
      fail("holds no sound", "record or copy it again");
    }
  }

  // What ffmpeg is to try; null where libsndfile reads the file.
  const Foreign* foreign() const { return file_ ? nullptr : &foreign_; }

  AudioInfo header() const {
    return {.channels = info_.channels,
            .sample_rate_hz = info_.samplerate,
            .frames = info_.frames,
            .format = info_.format,
            .container = format_name(info_.format & SF_FORMAT_TYPEMASK),
            .encoding = format_name(info_.format & SF_FORMAT_SUBMASK)};
  }

  // How many samples to make room for, so that long recordings are not copied as they grow: what
  // the header claims, but no more than files of that size usually hold.
  size_t likely_samples() const {
    const auto size = static_cast<sf_count_t>(source_.bytes.size());
    if (info_.frames > kMaxSamples / info_.channels) return 0;  // read_pieces() refuses it
    return static_cast<size_t>(std::min(info_.frames * info_.channels, 8 * size));
  }

  // Hands on all samples in pieces of kPieceSamples: memory follows what is really there, not what
  // the header claims. Gives the frames.
  template <typename Sample, typename Take>
  sf_count_t read_pieces(const Take& take) {
    if (info_.frames > kMaxSamples / info_.channels) refuse_length(path_);
    const sf_count_t piece = frames_a_piece(info_.channels);
    std::vector<Sample> samples(static_cast<size_t>(piece * info_.channels));
    sf_count_t frames = 0;
    for (sf_count_t got = piece; got == piece; frames += got) {
      if (frames > kMaxSamples / info_.channels) refuse_length(path_);
      if constexpr (std::is_same_v<Sample, float>) {
        got = sf_readf_float(file_.get(), samples.data(), piece);
      } else {
        got = sf_readf_double(file_.get(), samples.data(), piece);
      }
      take(std::span<const Sample>(samples).first(static_cast<size_t>(got * info_.channels)));
    }
    check_complete(frames);
    return frames;
  }

 private:
  struct Close {
    void operator()(SNDFILE* file) const { sf_close(file); }
  };

  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const {
    throw Error(ErrorKind::corrupt, path_, what, remedy);
  }

  void check_complete(sf_count_t frames) const {
    if (sf_error(file_.get()) != SF_ERR_NO_ERROR) {
      fail(std::string("is damaged after ") + std::to_string(frames) + " of " +
               std::to_string(info_.frames) + " frames (" + sf_strerror(file_.get()) + ")",
           "copy the file again");
    }
    // An MP3 header counts the encoder's padding in some files and not in others.
    const bool mpeg = (info_.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG;
    constexpr sf_count_t kMpegSlack = 4 * 1152;
    if (frames == 0 || info_.frames - frames > (mpeg ? kMpegSlack : 0)) {
      fail("is truncated: " + std::to_string(frames) + " of " + std::to_string(info_.frames) +
               " frames are there",
           "copy the file again");
    }
  }

  std::string path_;
  std::shared_ptr<const base::MappedFile> map_;
  Source source_;
  SF_INFO info_{};
  std::unique_ptr<SNDFILE, Close> file_;
  Foreign foreign_;
};

// `first` is the number of the first of the samples in their file.
template <typename Sample>
void require_finite(std::span<const Sample> samples, int64_t first, const fs::path& path) {
  const auto bad =
      std::find_if(samples.begin(), samples.end(), [](Sample x) { return !std::isfinite(x); });
  if (bad == samples.end()) return;
  throw Error(
      ErrorKind::corrupt, path.string(),
      "sample " + std::to_string(first + (bad - samples.begin())) + " is not a finite number",
      "export the recording again");
}

}  // namespace

bool is_audio_path(const fs::path& path) {
  const std::string extension = base::lower_extension(path);
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

std::string audio_extensions() {
  std::string list;
  for (const std::string_view extension : kExtensions) {
    if (!list.empty()) list += ' ';
    list += extension;
  }
  return list;
}

AudioInfo probe_audio(const fs::path& path) {
  const Reader reader(path);
  return reader.foreign() != nullptr ? probe_with_ffmpeg(*reader.foreign()) : reader.header();
}

std::optional<AudioInfo> probe_native(const fs::path& path) {
  const Reader reader(path);
  if (reader.foreign() != nullptr) return std::nullopt;
  return reader.header();
}

template <typename Sample>
Audio<Sample> read_audio(const fs::path& path) {
  Reader reader(path);
  Audio<Sample> audio;
  if (reader.foreign() != nullptr) {
    audio = read_with_ffmpeg<Sample>(*reader.foreign());
  } else {
    const AudioInfo info = reader.header();
    audio = {info.channels, info.sample_rate_hz, {}};
    audio.samples.reserve(reader.likely_samples());
    reader.read_pieces<Sample>([&audio](std::span<const Sample> piece) {
      audio.samples.insert(audio.samples.end(), piece.begin(), piece.end());
    });
  }
  require_finite<Sample>(audio.samples, 0, path);
  return audio;
}

template Audio<float> read_audio(const fs::path&);
template Audio<double> read_audio(const fs::path&);

template <typename Sample>
AudioInfo stream_audio(const fs::path& path, const std::function<void(const AudioInfo&)>& begin,
                       const std::function<void(std::span<const Sample>)>& take) {
  Reader reader(path);
  int64_t samples = 0;
  const auto checked = [&](std::span<const Sample> piece) {
    if (piece.empty()) return;
    require_finite<Sample>(piece, samples, path);
    samples += std::ssize(piece);
    take(piece);
  };
  if (reader.foreign() != nullptr)
    return stream_with_ffmpeg<Sample>(*reader.foreign(), begin, checked);
  AudioInfo info = reader.header();
  begin(info);
  info.frames = reader.read_pieces<Sample>(checked);
  return info;
}

template AudioInfo stream_audio(const fs::path&, const std::function<void(const AudioInfo&)>&,
                                const std::function<void(std::span<const float>)>&);
template AudioInfo stream_audio(const fs::path&, const std::function<void(const AudioInfo&)>&,
                                const std::function<void(std::span<const double>)>&);

}  // namespace koi::audio
