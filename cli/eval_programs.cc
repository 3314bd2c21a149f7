#include "cli/eval_programs.h"

#include <cstdlib>

#include "koi/base/blob_cache.h"
#include "koi/base/error.h"
#include "koi/base/shell_word.h"

namespace koi::cli {
namespace {

namespace fs = base::fs;

constexpr char kRemedy[] = "run scripts/setup --eval, or give a program of your own: NAME=COMMAND";

fs::path setup_folder() {
  const char* set = std::getenv("KOI_EVAL");
  if (set != nullptr && *set != '\0') return set;
  return base::BlobCache::user_folder("eval-1").value_or("");
}

}  // namespace

eval::Program parse_program(const std::string& flag, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals != std::string::npos) {
    if (equals == 0 || equals + 1 == text.size())
      throw Error(ErrorKind::usage, flag, "\"" + text + "\" is no program", "write NAME=COMMAND");
    return {text.substr(0, equals), text.substr(equals + 1)};
  }
  const fs::path folder = setup_folder();
  const fs::path script = folder / "koi" / (text + ".py");
  std::error_code failed;
  if (text.find('/') != std::string::npos || !fs::is_regular_file(script, failed)) {
    throw Error(ErrorKind::not_found, flag + ' ' + text, "there is no " + script.string(), kRemedy);
  }
  return {text,
          "PYTHONPATH=" + base::shell_word(folder) + " exec python3 " + base::shell_word(script)};
}

}  // namespace koi::cli
