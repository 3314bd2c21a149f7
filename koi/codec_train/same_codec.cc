#include "koi/codec_train/same_codec.h"

#include <algorithm>
#include <string_view>

#include "koi/base/error.h"

namespace koi::codec_train {
namespace {

// The whole line that holds this place.
std::string line_at(std::string_view text, size_t place) {
  if (place >= text.size()) return "nothing";
  const size_t before = text.substr(0, place).rfind('\n');
  const size_t begin = before == std::string_view::npos ? 0 : before + 1;
  std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return std::string(line);
}

}  // namespace

void require_same_codec(const codec::FireflyConfig& config, const std::string& yaml,
                        const std::string& where) {
  const std::string wanted = codec::config_yaml(config);
  if (yaml == wanted) return;
  const auto [theirs, ours] = std::mismatch(yaml.begin(), yaml.end(), wanted.begin(), wanted.end());
  throw Error(ErrorKind::config, where,
              "is of a codec with other settings: " +
                  line_at(yaml, static_cast<size_t>(theirs - yaml.begin())) + " (now " +
                  line_at(wanted, static_cast<size_t>(ours - wanted.begin())) + ")",
              "go on with the settings it began with, or begin another project");
}

}  // namespace koi::codec_train
