// HTML that is well-formed XML too.
#pragma once

#include <string>
#include <string_view>

namespace koi::base {

// Text as it may stand between tags and in quoted attributes, of HTML and of XML: & < > " ' become
// entities, control characters and invalid UTF-8 visible (see printable), U+FFFE and U+FFFF, which
// XML has not, U+FFFD.
std::string escape_html(std::string_view text);

// A whole page in koi's style; `title`, which is also its first heading, is escaped, `body` stands
// as it is.
std::string html_page(std::string_view title, const std::string& body);

// Words in both languages, and a heading of them. They stand as they are.
std::string in_both(const std::string& english, const std::string& korean);
std::string heading_in_both(const std::string& english, const std::string& korean);

}  // namespace koi::base
