#include "cli/config_flags.h"

#include <cstdio>

#include "koi/base/error.h"
#include "koi/config/interpolation.h"
#include "koi/config/unread.h"
#include "koi/config/yaml.h"

namespace koi::cli {

void ConfigFlags::add_to(CLI::App* command) {
  command->allow_extras();
  command->add_option("--config-name", config_name, "the configuration: NAME of NAME.yaml")
      ->capture_default_str();
  command->add_option(
      "--config-dir,--config-path", config_dir,
      "a folder with configurations of your own; they come before the built-in ones");
  command->add_option("--cfg", show, "print the configuration (job or hydra) and stop");
  command->add_option("-p,--package", package, "with --cfg: only this key");
  command->add_flag("--resolve", resolve, "with --cfg: interpolations replaced");
}

void ConfigFlags::take_rest(const CLI::App& command) {
  const std::vector<std::string> rest = command.remaining();
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == "-m" || rest[i] == "--multirun") {
      throw Error(ErrorKind::usage, rest[i], "sweeps over several values are not supported",
                  "run the command once for each");
    }
    if (rest[i] == "-cn") {
      if (++i == rest.size())
        throw Error(ErrorKind::usage, "-cn", "a configuration's name is missing");
      config_name = rest[i];
    } else if (rest[i].starts_with("-")) {
      throw Error(ErrorKind::usage, rest[i], "there is no such option",
                  "see koi " + command.get_name() + " --help");
    } else {
      overrides.push_back(rest[i]);
    }
  }
}

config::Composition ConfigFlags::compose() const {
  return config::compose(config_name, overrides, {.folder = config_dir});
}

bool ConfigFlags::print(const config::Composition& composition) const {
  if (show.empty()) return false;
  if (show != "job" && show != "hydra")
    throw Error(ErrorKind::usage, "--cfg", "expected job or hydra, found " + show);
  config::Node root = show == "job" ? composition.config : composition.hydra;
  if (resolve) root = config::resolve_value(root, composition.config, "");
  const config::Node* part = root.find(package);
  if (part == nullptr) throw Error(ErrorKind::config, package, "there is no such key");
  if (!package.empty()) std::printf("# @package %s\n", package.c_str());
  std::fputs(config::dump_yaml(*part).c_str(), stdout);
  return true;
}

void ConfigFlags::note_unread(const config::Composition& composition,
                              const std::set<std::string>& asked) const {
  for (const std::string& text : config::unread_overrides(overrides, composition.config, asked))
    std::fprintf(stderr, "koi: note: %s has no effect in koi\n", printable(text).c_str());
}

}  // namespace koi::cli
