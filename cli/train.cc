#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "cli/commands.h"
#include "cli/device_flags.h"
#include "cli/flags.h"
#include "cli/launch_ranks.h"
#include "cli/sample_speaker.h"
#include "cli/train_progress.h"
#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/config/interpolation.h"
#include "koi/config/scalar.h"
#include "koi/config/unread.h"
#include "koi/config/yaml.h"
#include "koi/tensor/block_cache.h"
#include "koi/train/report.h"
#include "koi/train/run.h"
#include "koi/train/run_folder.h"
#include "koi/train/settings_help.h"

namespace koi::cli {
namespace {

constexpr const char* kExamples =
    "  koi train --config-name text2semantic_finetune project=my_voice \\\n"
    "      +lora@model.model.lora_config=r_8_alpha_16\n"
    "  koi train project=my_voice trainer.max_steps=200 data.batch_size=2 max_length=1024\n"
    "  koi train project=my_voice --cfg job -p trainer\n"
    "\n"
    "Overrides: key=value changes a key, +key=value adds one, ++key=value does either, ~key "
    "removes\n"
    "one, +group@place=option puts a file of the folder `group` there. Without a +lora… override "
    "all\n"
    "weights are trained. The same command again goes on where the run stopped.";

struct TrainCommand {
  std::string config_name = "text2semantic_finetune";
  std::string config_dir;
  std::string show;     // --cfg
  std::string package;  // -p
  bool resolve = false;
  bool help_config = false;
  std::vector<std::string> overrides;
  DeviceFlags device;

  int run() const;

 private:
  at::Device choose_device(const train::Settings& settings, const base::Launch& launch) const;
  int run_rank(const base::Launch& launch, const config::Composition& composition,
               const train::Settings& settings) const;
  int print(const config::Composition& composition) const;
};

int TrainCommand::print(const config::Composition& composition) const {
  if (show != "job" && show != "hydra") {
    throw Error(ErrorKind::usage, "--cfg", "expected job or hydra, found " + show);
  }
  config::Node root = show == "job" ? composition.config : composition.hydra;
  if (resolve) root = config::resolve_value(root, composition.config, "");
  const config::Node* part = root.find(package);
  if (part == nullptr) throw Error(ErrorKind::config, package, "there is no such key");
  if (!package.empty()) std::printf("# @package %s\n", package.c_str());
  std::fputs(config::dump_yaml(*part).c_str(), stdout);
  return 0;
}

at::Device TrainCommand::choose_device(const train::Settings& settings,
                                       const base::Launch& launch) const {
  DeviceFlags machine = device;
  if (settings.accelerator == train::Accelerator::cpu && machine.device == "auto")
    machine.device = "cpu";
  return machine.apply(launch);
}

train::ProcessGroup join(const base::Launch& launch, const train::Settings& settings,
                         at::Device device) {
  train::ProcessGroupOptions options;
  options.backend = train::effective_backend(settings, device);
  options.timeout_s = settings.ranks.timeout_s;
  options.lost = [](const Error& error) {
    std::fprintf(stderr, "koi: error: %s\n", error.what());
    std::_Exit(1);
  };
  return {launch, options};
}

int TrainCommand::run() const {
  const config::Composition composition =
      config::compose(config_name, overrides, {.folder = config_dir});
  if (!show.empty()) return print(composition);
  if (help_config) {
    std::fputs(train::print_settings(train::describe_settings(composition.config)).c_str(), stdout);
    return 0;
  }

  auto [settings, asked] = train::read_settings(config::resolve(composition.config));
  settings.overrides = overrides;
  const base::Launch launch = base::read_launch();
  train::check_launch(launch, settings.ranks);
  if (launch.launcher.empty() && settings.ranks.devices > 1)
    return launch_ranks(static_cast<int>(settings.ranks.devices), own_arguments());
  if (launch.is_first()) {
    for (const std::string& text : config::unread_overrides(overrides, composition.config, asked))
      std::fprintf(stderr, "koi: note: %s has no effect in koi\n", printable(text).c_str());
  }
  return run_rank(launch, composition, settings);
}

int TrainCommand::run_rank(const base::Launch& launch, const config::Composition& composition,
                           const train::Settings& settings) const {
  const config::Node* run_dir = composition.hydra.find("run.dir");
  if (run_dir == nullptr) throw Error(ErrorKind::config, "hydra.run.dir", "is missing");
  const std::string folder = config::python_text(
      config::resolve_value(*run_dir, composition.config, "hydra.run.dir"), "hydra.run.dir");

  tensor::keep_large_blocks();
  const at::Device where = choose_device(settings, launch);
  train::ProcessGroup group = join(launch, settings, where);
  group.require_same("the configuration", config::dump_yaml(composition.config));
  if (!group.is_first()) {
    const train::RunResult result = train::run(settings, where, {}, &group);
    group.finish();
    return result.stopped ? base::stop_status() : 0;
  }

  std::optional<TrainProgress> progress;
  train::RunEvents events;
  events.note = [&progress](const std::string& line) {
    if (progress) return progress->print_line(printable(line));
    std::fprintf(stderr, "%s\n", printable(line).c_str());
  };
  events.start = [&, total = settings.max_steps](int64_t done) {
    train::write_hydra_files(folder, composition, config_name, overrides);
    progress.emplace(done, total);
  };
  SampleSpeaker speaker(settings);
  events.speak = [&speaker](const train::SampleRequest& request) { speaker.speak(request); };
  events.step = [&](const train::Metrics& row) { progress->show(row); };
  const train::RunResult result = train::run(settings, where, events, &group);
  progress.reset();
  group.finish();
  if (const auto report = train::report_path(settings); base::fs::exists(report))
    std::fprintf(stderr, "report: %s\n", printable(report.string()).c_str());
  std::fprintf(stdout, "%s\n", result.checkpoint.c_str());
  if (!result.stopped) return 0;
  return report_interrupted("step " + std::to_string(result.steps) + " of " +
                            std::to_string(settings.max_steps) +
                            " is saved; the same command goes on from there");
}

// What CLI11 leaves over: the overrides, and -cn, Hydra's short form of --config-name.
void take_rest(TrainCommand& command, const std::vector<std::string>& rest) {
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == "-m" || rest[i] == "--multirun") {
      throw Error(ErrorKind::usage, rest[i], "sweeps over several values are not supported",
                  "run the command once for each");
    }
    if (rest[i] == "-cn") {
      if (++i == rest.size())
        throw Error(ErrorKind::usage, "-cn", "a configuration's name is missing");
      command.config_name = rest[i];
    } else if (rest[i].starts_with("-")) {
      throw Error(ErrorKind::usage, rest[i], "there is no such option", "see koi train --help");
    } else {
      command.overrides.push_back(rest[i]);
    }
  }
}

}  // namespace

void add_train(CLI::App& app) {
  auto command = std::make_shared<TrainCommand>();
  CLI::App* sub = add_command(app, "train", "Fine-tune: LoRA adapters or all weights", kExamples,
                              [command, &app] {
                                take_rest(*command, app.get_subcommand("train")->remaining());
                                return command->run();
                              });
  sub->allow_extras();
  sub->add_option("--config-name", command->config_name, "the configuration: NAME of NAME.yaml")
      ->capture_default_str();
  sub->add_option("--config-dir,--config-path", command->config_dir,
                  "a folder with configurations of your own; they come before the built-in ones");
  sub->add_option("--cfg", command->show, "print the configuration (job or hydra) and stop");
  sub->add_option("-p,--package", command->package, "with --cfg: only this key");
  sub->add_flag("--help-config", command->help_config,
                "print every key with its type, default, unit and meaning, and stop");
  sub->add_flag("--resolve", command->resolve, "with --cfg: interpolations replaced");
  command->device.add_to(sub);
}

}  // namespace koi::cli
