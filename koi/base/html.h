// HTML that is well-formed XML too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "koi/base/files.h"

namespace koi::base {

// Text as it may stand between tags and in quoted attributes, of HTML and of XML: & < > " ' become
// entities, control characters and invalid UTF-8 visible (see printable), U+FFFE and U+FFFF, which
// XML has not, U+FFFD.
std::string escape_html(std::string_view text);

// A whole page in koi's style; `title`, which is also its first heading, is escaped, `body` stands
// as it is.
std::string html_page(std::string_view title, const std::string& body);

// The address of a file relative to the page; every byte that could mean something in it is written
// as %XX.
std::string file_address(const fs::path& path);

// A row of a table. The cells stand as they are.
std::string table_row(const std::vector<std::string>& cells);
std::string table_head(const std::vector<std::string>& cells);

// Words in both languages, and a heading of them. They stand as they are.
std::string in_both(const std::string& english, const std::string& korean);
std::string heading_in_both(const std::string& english, const std::string& korean);

}  // namespace koi::base
