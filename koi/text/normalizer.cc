#include "koi/text/normalizer.h"

#include "koi/base/utf8.h"
#include "koi/text/json_node.h"
#include "koi/text/regex.h"
#include "koi/text/sequence.h"
#include "koi/text/unicode.h"

namespace koi::text {
namespace {

std::string strip(const std::string& text, bool left, bool right) {
  size_t begin = text.size();
  size_t end = 0;
  for (size_t offset = 0; offset < text.size();) {
    const size_t start = offset;
    if (is_white_space(base::next_code_point(text, offset))) continue;
    begin = std::min(begin, start);
    end = offset;
  }
  if (!left) begin = 0;
  if (!right) end = text.size();
  return begin < end ? text.substr(begin, end - begin) : std::string();
}

Normalizer make(const JsonNode& node, int depth) {
  const std::string type = node.string("type");
  if (type == "Sequence") {
    return [parts = make_sequence(node, "normalizers", depth, make)](std::string text) {
      for (const Normalizer& part : parts) text = part(std::move(text));
      return text;
    };
  }
  for (const auto& [name, form] : {std::pair{"NFC", NormalForm::nfc},
                                   {"NFD", NormalForm::nfd},
                                   {"NFKC", NormalForm::nfkc},
                                   {"NFKD", NormalForm::nfkd}}) {
    if (type != name) continue;
    node.allow_only({"type"});
    return [form = form](const std::string& text) { return to_normal_form(text, form); };
  }
  if (type == "Prepend") {
    node.allow_only({"type", "prepend"});
    return [prefix = node.string("prepend")](const std::string& text) {
      return text.empty() ? text : prefix + text;
    };
  }
  if (type == "Replace") {
    node.allow_only({"type", "pattern", "content"});
    return [pattern = Pattern(node.at("pattern")), content = node.string("content")](
               const std::string& text) { return pattern.replace_all(text, content); };
  }
  if (type == "Strip") {
    node.allow_only({"type", "strip_left", "strip_right"});
    return [left = node.boolean("strip_left", true), right = node.boolean("strip_right", true)](
               const std::string& text) { return strip(text, left, right); };
  }
  node.unsupported("the normalizer \"" + type + "\"");
}

}  // namespace

Normalizer make_normalizer(const JsonNode& node) { return make(node, 0); }

}  // namespace koi::text
