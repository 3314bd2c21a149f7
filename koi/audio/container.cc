#include "koi/audio/container.h"

#include <array>
#include <cstdint>
#include <filesystem>

#include "koi/audio/audio_file.h"
#include "koi/base/bytes.h"
#include "koi/base/error.h"
#include "koi/base/shell_word.h"

namespace koi::audio {
namespace {

using namespace std::string_view_literals;

struct Magic {
  size_t offset;
  std::string_view bytes;
  std::string_view name;
};

constexpr std::array kForeign{
    Magic{4, "ftyp"sv, "MPEG-4 (m4a, mp4)"sv},
    Magic{0, "\x1a\x45\xdf\xa3"sv, "Matroska (webm, mka)"sv},
    Magic{0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"sv, "Windows Media (wma)"sv},
    Magic{0, "\xff\xf1"sv, "AAC"sv},
    Magic{0, "\xff\xf9"sv, "AAC"sv},
    Magic{0, "#!AMR"sv, "AMR"sv},
    Magic{0, "MAC "sv, "Monkey's Audio (ape)"sv},
    Magic{0, "wvpk"sv, "WavPack"sv},
};

bool has(std::string_view bytes, size_t offset, std::string_view expected) {
  return bytes.size() >= offset + expected.size() &&
         bytes.substr(offset, expected.size()) == expected;
}

uint64_t read_length(base::ByteReader& reader, bool big_endian) {
  const auto length = reader.read<uint32_t>();
  return big_endian ? __builtin_bswap32(length) : length;
}

}  // namespace

std::string_view foreign_format(std::string_view bytes) {
  for (const Magic& magic : kForeign) {
    if (has(bytes, magic.offset, magic.bytes)) return magic.name;
  }
  return {};
}

void check_not_truncated(std::string_view bytes, std::string_view where) {
  const bool wav = has(bytes, 0, "RIFF") && has(bytes, 8, "WAVE");
  const bool aiff = has(bytes, 0, "FORM") && (has(bytes, 8, "AIFF") || has(bytes, 8, "AIFC"));
  if (!wav && !aiff) return;
  base::ByteReader reader(bytes, std::string(where));
  reader.skip(12);
  while (reader.remaining() >= 8) {
    const std::string_view id = reader.take(4);
    const uint64_t length = read_length(reader, aiff);
    if (id == (wav ? "data" : "SSND")) {
      constexpr uint64_t kUnknown = 0x7fff'0000;
      if (length > reader.remaining() && length < kUnknown) {
        reader.fail(
            "is truncated: the header claims " + std::to_string(length) + " bytes of sound, " +
                std::to_string(reader.remaining()) + " are there",
            "copy the file again, or keep what is left: " + ffmpeg_command(std::string(where)));
      }
      return;
    }
    const uint64_t padded = length + length % 2;
    if (padded > reader.remaining()) return;  // libsndfile says what it makes of that
    reader.skip(padded);
  }
}

void refuse_length(const std::string& path) {
  throw Error(ErrorKind::unsupported, path,
              "holds more than " + std::to_string(kMaxSamples) + " samples",
              "cut the recording into pieces");
}

std::string ffmpeg_command(const std::string& path) {
  std::filesystem::path wav(path);
  wav.replace_extension(".wav");
  if (wav == path) wav.replace_filename(wav.stem().string() + "-converted.wav");
  return "ffmpeg -i " + base::shell_word(path) + " " + base::shell_word(wav.string());
}

}  // namespace koi::audio
