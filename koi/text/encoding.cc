#include "koi/text/encoding.h"

#include <iconv.h>

#include <array>

namespace koi::text {
namespace {

// How many of the characters of two bytes are what.
struct Counts {
  size_t pairs = 0;
  size_t hangul = 0;     // KS X 1001: B0A1 to C8FE
  size_t common = 0;     // GB 2312, first level: B0A1 to D7FE
  size_t no_hangul = 0;  // of these, C9A1 and above
  size_t euc_kana = 0;   // A4A1 to A5F6
  size_t euc_other = 0;  // the rest of EUC-JP: A1A1 to F4FE
  size_t sjis_kana = 0;  // 829F to 82F1, 8340 to 8396
  size_t sjis_other = 0;

  void add(unsigned lead, unsigned trail) {
    ++pairs;
    const bool both_high = lead >= 0xA1 && trail >= 0xA1;
    hangul += both_high && lead >= 0xB0 && lead <= 0xC8 ? 1 : 0;
    common += both_high && lead >= 0xB0 && lead <= 0xD7 ? 1 : 0;
    no_hangul += both_high && lead >= 0xC9 && lead <= 0xD7 ? 1 : 0;
    const bool is_euc_kana = both_high && (lead == 0xA4 || lead == 0xA5) && trail <= 0xF6;
    euc_kana += is_euc_kana ? 1 : 0;
    euc_other += both_high && !is_euc_kana && lead <= 0xF4 ? 1 : 0;
    const bool is_sjis_kana = (lead == 0x82 && trail >= 0x9F && trail <= 0xF1) ||
                              (lead == 0x83 && trail >= 0x40 && trail <= 0x96);
    sjis_kana += is_sjis_kana ? 1 : 0;
    const bool is_kanji = (lead >= 0x88 && lead <= 0x9F) || (lead >= 0xE0 && lead <= 0xEA);
    sjis_other += is_kanji || lead == 0x81 ? 1 : 0;
  }
};

Counts count(std::string_view bytes) {
  Counts counts;
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    if (lead < 0x81) continue;
    counts.add(lead, static_cast<unsigned char>(bytes[++i]));
  }
  return counts;
}

std::string_view likely_encoding(const Counts& counts) {
  const auto is_share = [&counts](size_t part, double share) {
    return static_cast<double>(part) >= share * static_cast<double>(counts.pairs);
  };
  if (counts.pairs < 2) return "";
  if (is_share(counts.sjis_kana, 0.2) && is_share(counts.sjis_kana + counts.sjis_other, 0.9))
    return "Shift-JIS";
  if (is_share(counts.euc_kana, 0.2) && is_share(counts.euc_kana + counts.euc_other, 0.9))
    return "EUC-JP";
  if (is_share(counts.hangul, 0.8) && !is_share(counts.no_hangul, 0.1)) return "EUC-KR (CP949)";
  if (is_share(counts.common, 0.8) && counts.no_hangul > 0) return "GBK";
  return "";
}

struct Name {
  std::string_view ours;
  const char* iconvs;  // the widest of the family
};
constexpr std::array<Name, 4> kNames{{{"EUC-KR (CP949)", "CP949"},
                                      {"Shift-JIS", "CP932"},
                                      {"EUC-JP", "EUC-JP"},
                                      {"GBK", "GB18030"}}};

// iconv's handle.
class Converter {
 public:
  explicit Converter(const char* from) : handle_(::iconv_open("UTF-8", from)) {}
  ~Converter() {
    if (is_open()) ::iconv_close(handle_);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  std::optional<std::string> convert(std::string bytes) const {
    if (!is_open()) return std::nullopt;
    // No character of two bytes takes more than four in UTF-8, none of one more than three.
    std::string text(3 * bytes.size() + 4, '\0');
    char* in = bytes.data();
    char* out = text.data();
    size_t in_left = bytes.size(), out_left = text.size();
    if (::iconv(handle_, &in, &in_left, &out, &out_left) != 0 || in_left > 0) return std::nullopt;
    text.resize(text.size() - out_left);
    return text;
  }

 private:
  bool is_open() const { return handle_ != reinterpret_cast<iconv_t>(-1); }
  iconv_t handle_;
};

}  // namespace

std::string_view guess_encoding(std::string_view bytes) { return likely_encoding(count(bytes)); }

std::optional<std::string> decode(std::string_view bytes, std::string_view encoding) {
  for (const Name& name : kNames) {
    if (name.ours == encoding) return Converter(name.iconvs).convert(std::string(bytes));
  }
  return std::nullopt;
}

}  // namespace koi::text
