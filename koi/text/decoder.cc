#include "koi/text/decoder.h"

#include <charconv>

#include "koi/base/utf8.h"
#include "koi/text/byte_level.h"
#include "koi/text/json_node.h"
#include "koi/text/pre_tokenizer.h"
#include "koi/text/regex.h"
#include "koi/text/sequence.h"
#include "koi/text/unicode.h"

namespace koi::text {
namespace {

using Tokens = std::vector<std::string>;

std::string join(const Tokens& tokens) {
  std::string out;
  for (const std::string& token : tokens) out += token;
  return out;
}

// Appends the bytes that the token's characters stand for; a token with any other character is its
// own text (an added token, say).
void append_bytes_of(const std::string& token, std::string& out) {
  const size_t size = out.size();
  for (size_t offset = 0; offset < token.size();) {
    const auto byte = char_to_byte(base::next_code_point(token, offset));
    if (!byte) {
      out.resize(size);
      out += token;
      return;
    }
    out += static_cast<char>(*byte);
  }
}

Tokens decode_byte_level(const Tokens& tokens) {
  std::string bytes;
  for (const std::string& token : tokens) append_bytes_of(token, bytes);
  return {replace_invalid_utf8(bytes)};
}

// The byte of "<0x0A>"; -1 for any other token.
int byte_of(const std::string& token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  int byte = 0;
  const char* end = token.data() + 5;
  const auto result = std::from_chars(token.data() + 3, end, byte, 16);
  return result.ec == std::errc() && result.ptr == end ? byte : -1;
}

// A run of byte tokens is taken as a whole: text, or one U+FFFD for each of its bytes.
Tokens decode_byte_fallback(const Tokens& tokens) {
  Tokens out;
  std::string run;
  const auto end_run = [&] {
    if (run.empty()) return;
    if (base::is_valid_utf8(run)) {
      out.push_back(run);
    } else {
      out.insert(out.end(), run.size(), "\uFFFD");
    }
    run.clear();
  };
  for (const std::string& token : tokens) {
    const int byte = byte_of(token);
    if (byte >= 0) {
      run += static_cast<char>(byte);
    } else {
      end_run();
      out.push_back(token);
    }
  }
  end_run();
  return out;
}

Decoder make_metaspace(const JsonNode& node) {
  const bool prepended = metaspace_scheme(node) != "never";
  return [prepended, mark = Pattern(node.string("replacement"))](Tokens tokens) {
    for (size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = mark.replace_all(tokens[i], prepended && i == 0 ? "" : " ");
    return tokens;
  };
}

// Up to `start` times `content` off the left of each token, up to `stop` times off its right.
Decoder make_strip(const JsonNode& node) {
  node.allow_only({"type", "content", "start", "stop"});
  const std::string content = node.string("content");
  if (content.empty()) node.corrupt("has an empty content");
  return
      [content, start = node.integer("start", 0), stop = node.integer("stop", 0)](Tokens tokens) {
        for (std::string& token : tokens) {
          std::string_view rest = token;
          for (int64_t i = 0; i < start && rest.starts_with(content); ++i)
            rest.remove_prefix(content.size());
          for (int64_t i = 0; i < stop && rest.ends_with(content); ++i)
            rest.remove_suffix(content.size());
          token = std::string(rest);
        }
        return tokens;
      };
}

Decoder make(const JsonNode& node, int depth) {
  const std::string type = node.string("type");
  if (type == "Sequence") {
    return [parts = make_sequence(node, "decoders", depth, make)](Tokens tokens) {
      for (const Decoder& part : parts) tokens = part(std::move(tokens));
      return tokens;
    };
  }
  if (type == "Metaspace") return make_metaspace(node);
  if (type == "Strip") return make_strip(node);
  if (type == "ByteLevel") {
    node.allow_only({"type", "add_prefix_space", "trim_offsets", "use_regex"});
    return decode_byte_level;
  }
  if (type == "ByteFallback" || type == "Fuse") {
    node.allow_only({"type"});
    if (type == "ByteFallback") return decode_byte_fallback;
    return [](const Tokens& tokens) { return Tokens{join(tokens)}; };
  }
  if (type == "Replace") {
    node.allow_only({"type", "pattern", "content"});
    return
        [pattern = Pattern(node.at("pattern")), content = node.string("content")](Tokens tokens) {
          for (std::string& token : tokens) token = pattern.replace_all(token, content);
          return tokens;
        };
  }
  node.unsupported("the decoder \"" + type + "\"");
}

}  // namespace

Decoder make_decoder(const JsonNode& node) { return make(node, 0); }

}  // namespace koi::text
