#include "cli/normalize_flag.h"

#include <string>

namespace koi::cli {

void add_normalize(CLI::App* command, text::NumberReading& reading) {
  command
      ->add_option_function<std::string>(
          "--normalize",
          [&reading](const std::string& name) { reading = text::number_reading(name); },
          "write the numbers in texts as they are said: in Chinese as the reference does (zh), in "
          "Korean (ko), in English (en), each as the letters around it (auto)")
      ->check(CLI::IsMember({"none", "zh", "ko", "en", "auto"}))
      ->default_str("none");
}

}  // namespace koi::cli
