#include "cli/normalize_flag.h"

#include <functional>
#include <utility>

namespace koi::cli {
namespace {

void add(CLI::App* command, std::function<void(const std::string&)> take) {
  command
      ->add_option_function<std::string>(
          "--normalize", std::move(take),
          "write the numbers in texts as they are said: in Chinese as the reference does (zh), in "
          "Korean (ko), in English (en), each as the letters around it (auto)")
      ->check(CLI::IsMember({"none", "zh", "ko", "en", "auto"}))
      ->default_str("none");
}

}  // namespace

void add_normalize(CLI::App* command, text::NumberReading& reading) {
  add(command, [&reading](const std::string& name) { reading = text::number_reading(name); });
}

void add_normalize(CLI::App* command, std::string& name) {
  add(command, [&name](const std::string& word) { name = word; });
}

}  // namespace koi::cli
