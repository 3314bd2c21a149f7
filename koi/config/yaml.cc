#include "koi/config/yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "koi/base/error.h"
#include "koi/base/utf8.h"
#include "koi/config/scalar.h"

namespace koi::config {
namespace {

constexpr size_t kMaxValues = 1'000'000;  // aliases of aliases must not fill the memory

template <size_t N>
bool is_any(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// 0x1F, 0b101 and octal 017, which YAML 1.1 knows beside decimal numbers.
std::optional<Node> parse_radix(std::string_view text) {
  const bool minus = text.starts_with('-');
  if (minus || text.starts_with('+')) text.remove_prefix(1);
  if (text.size() < 2 || text[0] != '0') return std::nullopt;
  const int base = text[1] == 'x' ? 16 : text[1] == 'b' ? 2 : 8;
  std::string digits(text.substr(base == 8 ? 1 : 2));
  std::erase(digits, '_');
  int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value, base);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return Node(minus ? -value : value);
}

Node plain_scalar(const std::string& text) {
  static constexpr std::array<std::string_view, 5> nulls{"", "~", "null", "Null", "NULL"};
  static constexpr std::array<std::string_view, 9> trues{"true", "True", "TRUE", "yes", "Yes",
                                                         "YES",  "on",   "On",   "ON"};
  static constexpr std::array<std::string_view, 9> falses{"false", "False", "FALSE", "no", "No",
                                                          "NO",    "off",   "Off",   "OFF"};
  static constexpr std::array<std::string_view, 6> infinities{".inf",  ".Inf",  ".INF",
                                                              "+.inf", "+.Inf", "+.INF"};
  static constexpr std::array<std::string_view, 3> minus_infinities{"-.inf", "-.Inf", "-.INF"};
  static constexpr std::array<std::string_view, 3> nans{".nan", ".NaN", ".NAN"};
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (is_any(text, nulls)) return {};
  if (is_any(text, trues)) return Node(true);
  if (is_any(text, falses)) return Node(false);
  if (is_any(text, infinities)) return Node(infinity);
  if (is_any(text, minus_infinities)) return Node(-infinity);
  if (is_any(text, nans)) return Node(std::numeric_limits<double>::quiet_NaN());
  if (auto number = parse_decimal(text)) return *number;
  if (auto number = parse_radix(text)) return *number;
  return Node(text);
}

class Converter {
 public:
  explicit Converter(std::string_view where) : where_(where) {}

  Node convert(const YAML::Node& yaml) {
    if (++values_ > kMaxValues) fail(yaml, "holds over a million values");
    switch (yaml.Type()) {
      case YAML::NodeType::Scalar:
        return yaml.Tag() == "!" ? Node(yaml.Scalar()) : plain_scalar(yaml.Scalar());
      case YAML::NodeType::Sequence: {
        List list;
        for (const auto& item : yaml) list.push_back(convert(item));
        return Node(std::move(list));
      }
      case YAML::NodeType::Map:
        return convert_map(yaml);
      default:
        return {};
    }
  }

 private:
  Node convert_map(const YAML::Node& yaml) {
    Node map(Map{});
    for (const auto& entry : yaml) {
      if (!entry.first.IsScalar()) fail(entry.first, "a key must be a plain word");
      const std::string& key = entry.first.Scalar();
      if (map.child(key)) fail(entry.first, "the key '" + key + "' comes twice");
      map.set(key, convert(entry.second));
    }
    return map;
  }

  [[noreturn]] void fail(const YAML::Node& yaml, const std::string& what) const {
    throw Error(ErrorKind::config, std::string(where_) + ":" + std::to_string(yaml.Mark().line + 1),
                what);
  }

  std::string_view where_;
  size_t values_ = 0;
};

// May the text stand without quotes and be read back as the same string?
bool is_safe_plain(std::string_view text) {
  if (!plain_scalar(std::string(text)).get<std::string>()) return false;
  if (std::string_view("-?:,[]{}#&*!|>'\"%@`= ").find(text.front()) != std::string_view::npos) {
    const bool dash_word = text.size() > 1 && text[1] != ' ' &&
                           std::string_view("-?:").find(text.front()) != std::string_view::npos;
    if (!dash_word) return false;
  }
  return text.back() != ' ' && text.back() != ':' && text.find(": ") == std::string_view::npos &&
         text.find(" #") == std::string_view::npos && text != "---" && text != "...";
}

std::string double_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      constexpr std::string_view hex = "0123456789ABCDEF";
      out += "\\x";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string string_text(std::string_view text) {
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (control) return double_quoted(text);
  if (is_safe_plain(text)) return std::string(text);
  std::string out = "'";
  for (const char c : text) {
    out += c;
    if (c == '\'') out += c;
  }
  return out + "'";
}

std::string float_text(double value) {
  if (std::isnan(value)) return ".nan";
  if (std::isinf(value)) return value > 0 ? ".inf" : "-.inf";
  std::string text = python_repr(value);
  const size_t e = text.find('e');
  if (e != std::string::npos && text.find('.') == std::string::npos) text.insert(e, ".0");
  return text;
}

std::string scalar_text(const Node& node) {
  if (node.is_null()) return "null";
  if (const auto* flag = node.get<bool>()) return *flag ? "true" : "false";
  if (const auto* number = node.get<int64_t>()) return std::to_string(*number);
  if (const auto* number = node.get<double>()) return float_text(*number);
  if (const auto* text = node.get<std::string>()) return string_text(*text);
  return node.get<Map>() ? "{}" : "[]";
}

void write(const Node& node, const std::string& indent, std::string& out) {
  const auto write_child = [&](const Node& child, const std::string& head, bool in_map) {
    const auto* map = child.get<Map>();
    const auto* list = child.get<List>();
    if ((map && !map->entries.empty()) || (list && !list->empty())) {
      if (in_map) {
        // Items of a list stand under the key itself, as PyYAML writes them.
        out += head + "\n";
        write(child, map ? indent + "  " : indent, out);
      } else {
        std::string inner;
        write(child, indent + "  ", inner);
        out += head + " " + inner.substr(indent.size() + 2);
      }
    } else {
      out += head + " " + scalar_text(child) + "\n";
    }
  };
  if (const auto* map = node.get<Map>()) {
    for (const auto& [key, child] : map->entries)
      write_child(child, indent + string_text(key) + ":", true);
  } else if (const auto* list = node.get<List>()) {
    for (const Node& child : *list) write_child(child, indent + "-", false);
  }
}

}  // namespace

Node parse_yaml(std::string_view text, std::string_view where) {
  if (!base::is_valid_utf8(text)) {
    throw Error(ErrorKind::config, where, "is not UTF-8", "save the file as UTF-8");
  }
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1) {
      throw Error(ErrorKind::config, where, "holds more than one document", "keep one");
    }
    if (documents.empty() || documents[0].IsNull()) return Node(Map{});
    return Converter(where).convert(documents[0]);
  } catch (const YAML::Exception& error) {
    throw Error(ErrorKind::config, std::string(where) + ":" + std::to_string(error.mark.line + 1),
                "broken YAML: " + error.msg);
  }
}

std::string dump_yaml(const Node& node) {
  const auto* map = node.get<Map>();
  const auto* list = node.get<List>();
  if ((map && !map->entries.empty()) || (list && !list->empty())) {
    std::string out;
    write(node, "", out);
    return out;
  }
  return scalar_text(node) + "\n";
}

}  // namespace koi::config
