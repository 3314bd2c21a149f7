// Texts of the time before UTF-8: Korean, Japanese and Chinese in two bytes a character.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace koi::text {

// The encoding of bytes that are no UTF-8, where it is plainly one of "EUC-KR (CP949)",
// "Shift-JIS", "EUC-JP" and "GBK"; else empty. Of the characters of two bytes, two at least:
// Japanese is a fifth Kana and nine tenths Kana, Kanji and signs; Korean four fifths Hangul of
// KS X 1001 and less than a tenth where GB 2312 alone has common characters; Chinese four fifths
// common characters, one of them there. Not all of it need decode: it may be several
// texts, one of them damaged.
std::string_view guess_encoding(std::string_view bytes);

// As UTF-8; nothing where the bytes are not of that encoding (one of the names above).
std::optional<std::string> decode(std::string_view bytes, std::string_view encoding);

}  // namespace koi::text
