#pragma once

#include <string>
#include <string_view>

namespace koi::base {

// Text as it may stand between tags and in quoted attributes, of HTML and of XML: & < > " ' become
// entities, control characters and invalid UTF-8 visible (see printable).
std::string escape_html(std::string_view text);

}  // namespace koi::base
