// The one exception of koi: what went wrong, where, and what to do about it, in one line.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace koi {

enum class ErrorKind {
  usage,        // the command line is wrong: exit status 2
  config,       // a setting is unknown or impossible
  not_found,    // a file or folder is missing
  corrupt,      // a file is damaged or not what it claims to be
  unsupported,  // sound, but koi does not know it
  io,           // the operating system refused
  internal,     // a fault of koi's own
};

class Error : public std::runtime_error {
 public:
  // `where` names the file, key or option; `what` says what was wrong, expected and found; `remedy`
  // what to do (may be empty). what() gives "where: what; remedy" in one line, control characters
  // made visible.
  Error(ErrorKind kind, std::string_view where, std::string_view what,
        std::string_view remedy = {});

  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

// Makes control characters and invalid UTF-8 visible (\n, \x1b), so that hostile file names stay on
// one line.
std::string printable(std::string_view text);

}  // namespace koi
