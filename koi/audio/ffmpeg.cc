#include "koi/audio/ffmpeg.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <type_traits>

#include "koi/audio/audio_stream.h"
#include "koi/audio/container.h"
#include "koi/base/error.h"
#include "koi/base/limited_program.h"

namespace koi::audio {
namespace {

namespace fs = base::fs;

// ffmpeg's names of the formats that hold sound and nothing that leads out of the file.
constexpr char kFormats[] =
    "mov,matroska,asf,aac,ac3,eac3,amr,amrnb,amrwb,ape,wv,tta,tak,mpc,mpc8,mp3,ogg,flac,wav,w64,"
    "aiff,au,caf,avi,flv,mpeg,mpegts,dts,dtshd,truehd,mlp,loas,rm,voc,dsf,iff,oma,xwma,nut,mxf,"
    "wtv,sox,qcp,shn";

// A file that ends so much before what its header claims is truncated; encoders' padding and
// rounding are shorter.
constexpr double kSlackS = 0.25;

// The file as `descriptor`; an open file, which no name can be anything else than.
class OpenFile {
 public:
  explicit OpenFile(const fs::path& path)
      : descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (descriptor < 0)
      throw Error(ErrorKind::io, path.string(), std::string("cannot be read: ") + strerror(errno));
  }
  ~OpenFile() { ::close(descriptor); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  const int descriptor;
};

// Sun's AU format, in which ffmpeg's output tells rate and channels: six big-endian numbers of 32
// bits (".snd", where the samples begin, length, encoding, rate, channels), then the samples.
template <typename Sample>
class AuStream {
 public:
  using Bits = std::conditional_t<sizeof(Sample) == 4, uint32_t, uint64_t>;
  static constexpr const char* kCodec = sizeof(Sample) == 4 ? "pcm_f32be" : "pcm_f64be";

  // `on_header(rate, channels)` comes once, before `on_sample`.
  template <typename OnHeader, typename OnSample>
  void take(std::string_view bytes, const OnHeader& on_header, const OnSample& on_sample) {
    rest_ += bytes;
    size_t at = 0;
    if (!started_) {
      if (rest_.size() < 24 || rest_.size() < read<uint32_t>(4)) return;
      started_ = true;
      at = read<uint32_t>(4);
      on_header(static_cast<int>(read<uint32_t>(16)), static_cast<int>(read<uint32_t>(20)));
    }
    for (; rest_.size() - at >= sizeof(Sample); at += sizeof(Sample))
      on_sample(std::bit_cast<Sample>(read<Bits>(at)));
    rest_.erase(0, at);
  }

 private:
  template <typename Number>
  Number read(size_t at) const {
    Number number;
    std::memcpy(&number, rest_.data() + at, sizeof(Number));
    if constexpr (sizeof(Number) == 4)
      return __builtin_bswap32(number);
    else
      return __builtin_bswap64(number);
  }

  std::string rest_;
  bool started_ = false;
};

// ffprobe's lines key="value" or key=value.
std::map<std::string, std::string> parse_facts(std::string_view text) {
  std::map<std::string, std::string> facts;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const size_t equal = line.find('=');
    if (equal == std::string_view::npos) continue;
    std::string value(line.substr(equal + 1));
    if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
    facts.emplace(line.substr(0, equal), std::move(value));
  }
  return facts;
}

// What the header says of the first track of sound.
struct Header {
  std::string container;
  std::string encoding;
  double claimed_s = 0;  // 0 where the format only lets it be guessed
  bool ends_there;       // what comes behind it is padding
};

class Media {
 public:
  explicit Media(const Foreign& foreign) : foreign_(foreign), file_(foreign.path) {}

  Header probe() {
    std::string text;
    run({"ffprobe", "-select_streams", "a:0", "-show_entries",
         "stream=codec_long_name,duration:format=format_name,format_long_name,duration,nb_streams",
         "-of", "flat"},
        {}, {.cpu_s = 60, .wall_s = 120}, [&text](std::string_view bytes) { text += bytes; });
    auto facts = parse_facts(text);
    const std::string stream = "streams.stream.0.";
    if (!facts.contains(stream + "codec_long_name"))
      fail("holds no sound", "leave it out, or record it again");
    const std::string& format = facts["format.format_name"];
    const bool mov = format.starts_with("mov");
    Header header{facts["format.format_long_name"], facts[stream + "codec_long_name"], 0, mov};
    // Matroska and ASF say only how long the longest of all tracks is.
    const bool alone = facts["format.nb_streams"] == "1";
    if (mov)
      header.claimed_s = std::atof(facts[stream + "duration"].c_str());
    else if (alone && (format.starts_with("matroska") || format == "asf"))
      header.claimed_s = std::atof(facts["format.duration"].c_str());
    return header;
  }

  // Calls on_header(rate, channels), then on_sample for each sample that belongs to the sound.
  // Gives the frames.
  template <typename Sample, typename OnHeader, typename OnSample>
  int64_t decode(const Header& header, const OnHeader& on_header, const OnSample& on_sample) {
    AuStream<Sample> stream;
    int64_t samples = 0, wanted = kMaxSamples;
    int rate_hz = 0, channels = 0;
    const auto begin = [&](int hz, int count) {
      if (hz < 1 || count < 1) fail("holds no sound", "record or copy it again");
      rate_hz = hz;
      channels = count;
      if (header.ends_there && header.claimed_s > 0)
        wanted = std::min<int64_t>(wanted, std::llround(header.claimed_s * hz) * count);
      on_header(hz, count);
    };
    const auto next = [&](Sample sample) {
      if (++samples > kMaxSamples) refuse_length(foreign_.path);
      if (samples <= wanted) on_sample(sample);
    };
    run({"ffmpeg", "-nostdin", "-xerror", "-threads", "1"},
        {"-map", "0:a:0", "-c:a", AuStream<Sample>::kCodec, "-f", "au", "pipe:1"}, {},
        [&](std::string_view bytes) { stream.take(bytes, begin, next); });
    if (samples == 0) fail("holds no sound", "record or copy it again");
    check_length(header, static_cast<double>(samples / channels) / rate_hz);
    return std::min(samples, wanted) / channels;
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const {
    throw Error(ErrorKind::corrupt, foreign_.path.string(), what, remedy);
  }

  // Runs `head`, the input, then `tail`.
  void run(std::vector<std::string> head, const std::vector<std::string>& tail,
           const base::ProgramLimits& limits, const std::function<void(std::string_view)>& take) {
    const std::vector<std::string> input{
        "-v",
        "error",
        "-protocol_whitelist",
        "file",
        "-format_whitelist",
        kFormats,
        "-i",
        "file:/proc/self/fd/" + std::to_string(base::kProgramInput)};
    head.insert(head.end(), input.begin(), input.end());
    head.insert(head.end(), tail.begin(), tail.end());
    base::ProgramEnd end;
    try {
      end = base::run_limited(head, file_.descriptor, limits, take);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::not_found) refuse_without_ffmpeg();
      throw;
    }
    if (end.timed_out) {
      throw Error(ErrorKind::unsupported, foreign_.path.string(),
                  "was still being decoded after " + std::to_string(limits.wall_s) + " s",
                  "convert it: " + ffmpeg_command(foreign_.path));
    }
    if (end.status != 0) fail_decoding(end);
  }

  [[noreturn]] void refuse_without_ffmpeg() const {
    throw Error(ErrorKind::not_found, foreign_.path.string(),
                foreign_.what + "; ffmpeg, which may read it, is not installed",
                "apt-get install ffmpeg");
  }

  [[noreturn]] void fail_decoding(const base::ProgramEnd& end) const {
    std::string_view messages = end.messages;
    if (messages.find("not on whitelist") != std::string_view::npos) {
      fail("is a playlist or another kind of file that koi does not follow", "leave it out");
    }
    // The last line, without the name that ffmpeg knows the file by.
    while (messages.ends_with('\n')) messages.remove_suffix(1);
    std::string reason(messages.substr(messages.rfind('\n') + 1));
    const size_t name = reason.find("/proc/self/fd/3: ");
    if (name != std::string::npos) reason.erase(0, name + 17);
    if (end.status > 128) reason = "ended by signal " + std::to_string(end.status - 128);
    fail(foreign_.what + "; ffmpeg: " + reason,
         "copy the file again, or keep what can be read: " + ffmpeg_command(foreign_.path));
  }

  void check_length(const Header& header, double there_s) const {
    if (header.claimed_s <= there_s + kSlackS) return;
    fail("is truncated: " + std::to_string(header.claimed_s) + " s are claimed, " +
             std::to_string(there_s) + " s are there",
         "copy the file again, or keep what is left: " + ffmpeg_command(foreign_.path));
  }

  const Foreign& foreign_;
  OpenFile file_;
};

}  // namespace

AudioInfo probe_with_ffmpeg(const Foreign& file) {
  return stream_with_ffmpeg<float>(
      file, [](const AudioInfo&) {}, [](std::span<const float>) {});
}

template <typename Sample>
AudioInfo stream_with_ffmpeg(const Foreign& file,
                             const std::function<void(const AudioInfo&)>& begin,
                             const std::function<void(std::span<const Sample>)>& take) {
  Media media(file);
  const Header header = media.probe();
  AudioInfo info;
  info.container = header.container;
  info.encoding = header.encoding;
  std::vector<Sample> piece;
  size_t piece_samples = 0;
  info.frames = media.decode<Sample>(
      header,
      [&](int rate_hz, int channels) {
        info.sample_rate_hz = rate_hz;
        info.channels = channels;
        piece_samples = static_cast<size_t>(frames_a_piece(channels) * channels);
        begin(info);
      },
      [&](Sample sample) {
        piece.push_back(sample);
        if (piece.size() < piece_samples) return;
        take(piece);
        piece.clear();
      });
  take(piece);
  return info;
}

template <typename Sample>
Audio<Sample> read_with_ffmpeg(const Foreign& file) {
  Media media(file);
  Audio<Sample> audio;
  media.decode<Sample>(
      media.probe(),
      [&audio](int rate_hz, int channels) {
        audio.sample_rate_hz = rate_hz;
        audio.channels = channels;
      },
      [&audio](Sample sample) { audio.samples.push_back(sample); });
  return audio;
}

template AudioInfo stream_with_ffmpeg(const Foreign&, const std::function<void(const AudioInfo&)>&,
                                      const std::function<void(std::span<const float>)>&);
template AudioInfo stream_with_ffmpeg(const Foreign&, const std::function<void(const AudioInfo&)>&,
                                      const std::function<void(std::span<const double>)>&);
template Audio<float> read_with_ffmpeg(const Foreign&);
template Audio<double> read_with_ffmpeg(const Foreign&);

}  // namespace koi::audio
