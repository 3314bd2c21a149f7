#include "koi/config/interpolation.h"

#include <algorithm>
#include <cstdlib>
#include <deque>

#include "koi/base/error.h"
#include "koi/base/nearest_name.h"
#include "koi/config/arithmetic.h"
#include "koi/config/scalar.h"

namespace koi::config {
namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kMaxValues = 1'000'000;
constexpr size_t kMaxText = 1 << 20;

using Path = std::vector<std::string>;

std::string join(const Path& path) {
  std::string text;
  for (const std::string& part : path) text += (text.empty() ? "" : ".") + part;
  return text;
}

// "a.b[0]" -> a, b, 0
Path path_parts(std::string text) {
  std::string dotted;
  for (const char c : text) {
    if (c == '[')
      dotted += '.';
    else if (c != ']')
      dotted += c;
  }
  return split_path(dotted);
}

// The '}' that closes the "${" at `open`, inner ones and quoted texts passed over; npos if none.
size_t closing_brace(std::string_view text, size_t open) {
  int depth = 0;
  char quote = '\0';
  for (size_t i = open; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

std::string unquoted(std::string text) {
  while (!text.empty() && text.front() == ' ') text.erase(0, 1);
  while (!text.empty() && text.back() == ' ') text.pop_back();
  if (text.size() >= 2 && (text.front() == '\'' || text.front() == '"') &&
      text.back() == text.front()) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

class Resolver {
 public:
  explicit Resolver(const Node& root) : root_(root) {}

  // `path` is where the node stands in the tree: relative names start there.
  Node node(const Node& from, Path& path) {
    if (++values_ > kMaxValues) fail(path, "the resolved configuration is too large");
    if (const auto* map = from.get<Map>()) {
      Node out(Map{});
      for (const auto& [key, child] : map->entries) {
        path.push_back(key);
        out.get<Map>()->entries.emplace_back(key, node(child, path));
        path.pop_back();
      }
      return out;
    }
    if (const auto* list = from.get<List>()) {
      List out;
      for (size_t i = 0; i < list->size(); ++i) {
        path.push_back(std::to_string(i));
        out.push_back(node((*list)[i], path));
        path.pop_back();
      }
      return Node(std::move(out));
    }
    if (const auto* text = from.get<std::string>()) return string(*text, path);
    return from;
  }

 private:
  [[noreturn]] static void fail(const Path& path, const std::string& what,
                                const std::string& remedy = {}) {
    throw Error(ErrorKind::config, path.empty() ? "configuration" : join(path), what, remedy);
  }

  Node string(const std::string& text, const Path& path) {
    if (text.find("${") == std::string::npos) return Node(text);
    if (++depth_ > kMaxDepth) fail(path, "the interpolation " + text + " runs in a circle");
    Node result = interpolated(text, path);
    --depth_;
    return result;
  }

  Node interpolated(const std::string& text, const Path& path) {
    std::string out;
    for (size_t at = 0; at < text.size();) {
      if (text.compare(at, 3, "\\${") == 0) {
        out += "${";
        at += 3;
      } else if (text.compare(at, 2, "${") == 0) {
        const size_t end = closing_brace(text, at);
        if (end == std::string::npos) fail(path, "'${' is not closed in " + text);
        const Node value = expression(text.substr(at + 2, end - at - 2), path);
        if (at == 0 && end + 1 == text.size()) return value;
        out += python_text(value, join(path));
        at = end + 1;
      } else {
        out += text[at++];
      }
      if (out.size() > kMaxText) fail(path, "the resolved text is too long");
    }
    return Node(out);
  }

  Node expression(const std::string& raw, const Path& path) {
    // Inner interpolations first: ${a.${b}}.
    const std::string inner =
        raw.find("${") == std::string::npos ? raw : python_text(string(raw, path), join(path));
    const size_t colon = inner.find(':');
    if (colon == std::string::npos) return lookup(inner, path);
    const std::string name = inner.substr(0, colon);
    const std::string arguments = inner.substr(colon + 1);
    if (name == "eval") return evaluate_arithmetic(unquoted(arguments));
    if (name == "oc.env") return environment(arguments, path);
    fail(path, "there is no resolver '" + name + "'", "koi knows ${oc.env:NAME} and ${eval:'1+1'}");
  }

  Node environment(const std::string& arguments, const Path& path) const {
    const size_t comma = arguments.find(',');
    const std::string name = unquoted(arguments.substr(0, comma));
    if (const char* value = std::getenv(name.c_str())) return Node(std::string(value));
    if (comma == std::string::npos) {
      fail(path, "the environment variable " + name + " is not set",
           "set it, or give a default: "
           "${oc.env:" +
               name + ",default}");
    }
    const std::string fallback = unquoted(arguments.substr(comma + 1));
    return fallback == "null" ? Node() : Node(fallback);
  }

  Node lookup(const std::string& name, const Path& path) {
    Path parts = absolute(name, path);
    const Node* at = &root_;
    std::deque<Node> owned;  // resolved on the way
    Path here;
    for (const std::string& part : parts) {
      const auto* text = at->get<std::string>();
      if (text && text->find("${") != std::string::npos) {
        owned.push_back(string(*text, here));
        at = &owned.back();
      }
      at = at->child(part);
      if (at == nullptr) missing(name, path);
      here.push_back(part);
    }
    if (const auto* text = at->get<std::string>(); text && *text == "???") {
      fail(path, "needs " + join(parts) + ", which has no value yet",
           "give it: " + join(parts) + "=...");
    }
    if (++depth_ > kMaxDepth) fail(path, "the interpolation ${" + name + "} runs in a circle");
    Node result = node(*at, here);
    --depth_;
    return result;
  }

  // A leading dot means "beside this value", each further one a level up.
  static Path absolute(const std::string& name, const Path& path) {
    const size_t dots = std::min(name.find_first_not_of('.'), name.size());
    if (dots == 0) return path_parts(name);
    if (dots > path.size()) fail(path, "${" + name + "} leads out of the configuration");
    Path parts(path.begin(), path.end() - static_cast<std::ptrdiff_t>(dots));
    for (std::string& part : path_parts(name.substr(dots))) parts.push_back(std::move(part));
    return parts;
  }

  [[noreturn]] void missing(const std::string& name, const Path& path) const {
    std::vector<std::string> known;
    for (const auto& [key, unused] : leaves(root_)) known.push_back(key);
    const std::string near = base::nearest_name(name, known);
    fail(path, "${" + name + "} names a key that is not there",
         near.empty() ? "" : "did you mean " + near + "?");
  }

  const Node& root_;
  size_t values_ = 0;
  int depth_ = 0;
};

}  // namespace

Node resolve(const Node& root) {
  Path path;
  return Resolver(root).node(root, path);
}

Node resolve_value(const Node& value, const Node& root, std::string_view where) {
  Path path;
  if (!where.empty()) path.push_back(std::string(where));
  return Resolver(root).node(value, path);
}

}  // namespace koi::config
