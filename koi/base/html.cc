#include "koi/base/html.h"

#include <fmt/format.h>

#include <cctype>

#include "koi/base/error.h"
#include "koi/base/html_style.h"

namespace koi::base {

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : printable(text)) {
    switch (c) {
      case '\xBE':
      case '\xBF':
        escaped += escaped.ends_with("\xEF\xBF") ? '\xBD' : c;
        break;
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string html_page(std::string_view title, const std::string& body) {
  const std::string name = escape_html(title);
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
         "<meta name=\"viewport\" content=\"width=device-width\"/>\n<title>" +
         name + "</title>\n<style>" + kHtmlStyle + "</style>\n</head>\n<body>\n<h1>" + name +
         "</h1>\n" + body + "</body>\n</html>\n";
}

std::string file_address(const fs::path& path) {
  std::string address;
  for (const char c : path.generic_string()) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                          std::string_view("-._~/").find(c) != std::string_view::npos;
    address += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return address;
}

std::string table_row(const std::vector<std::string>& cells) {
  return fmt::format("<tr><td>{}</td></tr>\n", fmt::join(cells, "</td><td>"));
}

std::string table_head(const std::vector<std::string>& cells) {
  return fmt::format("<tr><th>{}</th></tr>\n", fmt::join(cells, "</th><th>"));
}

std::string in_both(const std::string& english, const std::string& korean) {
  return english + " <span lang=\"ko\">" + korean + "</span>";
}

std::string heading_in_both(const std::string& english, const std::string& korean) {
  return "<h2>" + in_both(english, korean) + "</h2>\n";
}

}  // namespace koi::base
