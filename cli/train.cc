#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "cli/commands.h"
#include "cli/config_flags.h"
#include "cli/device_flags.h"
#include "cli/flags.h"
#include "cli/launch_ranks.h"
#include "cli/sample_speaker.h"
#include "cli/train_progress.h"
#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/config/interpolation.h"
#include "koi/config/scalar.h"
#include "koi/config/yaml.h"
#include "koi/tensor/block_cache.h"
#include "koi/tensor/device.h"
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
  ConfigFlags config{.config_name = "text2semantic_finetune"};
  bool help_config = false;
  DeviceFlags device;

  int run() const;

 private:
  at::Device choose_device(const train::Settings& settings, const base::Launch& launch) const;
  int run_rank(const base::Launch& launch, const config::Composition& composition,
               const train::Settings& settings) const;
};

at::Device TrainCommand::choose_device(const train::Settings& settings,
                                       const base::Launch& launch) const {
  DeviceFlags machine = device;
  if (settings.accelerator == train::Accelerator::cpu && machine.device == "auto")
    machine.device = "cpu";
  return machine.apply(launch);
}

// Of processes that koi starts itself; those of a launcher may be shown a GPU each.
void check_gpus(const train::Settings& settings, const std::string& device) {
  const bool on_gpu = device != "cpu" && settings.accelerator != train::Accelerator::cpu;
  const int gpus = on_gpu && settings.ranks.nccl ? tensor::gpu_count() : 0;
  if (gpus == 0 || settings.ranks.devices <= gpus) return;
  throw Error(ErrorKind::config, "trainer.devices",
              std::to_string(settings.ranks.devices) +
                  " processes are more than this machine's GPUs (" + std::to_string(gpus) +
                  "), and nccl wants one for each",
              "trainer.devices=" + std::to_string(gpus) +
                  ", or trainer.strategy.process_group_backend=gloo to share them, or "
                  "--device cpu");
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
  const config::Composition composition = config.compose();
  if (config.print(composition)) return 0;
  if (help_config) {
    std::fputs(train::print_settings(train::describe_settings(composition.config)).c_str(), stdout);
    return 0;
  }

  auto [settings, asked] = train::read_settings(config::resolve(composition.config));
  settings.overrides = config.overrides;
  const base::Launch launch = base::read_launch();
  train::check_launch(launch, settings.ranks);
  if (launch.launcher.empty() && settings.ranks.devices > 1) {
    check_gpus(settings, device.device);
    return launch_ranks(static_cast<int>(settings.ranks.devices), own_arguments());
  }
  if (launch.is_first()) config.note_unread(composition, asked);
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
    train::write_hydra_files(folder, composition, config.config_name, config.overrides);
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

}  // namespace

void add_train(CLI::App& app) {
  auto command = std::make_shared<TrainCommand>();
  CLI::App* sub = add_command(app, "train", "Fine-tune: LoRA adapters or all weights", kExamples,
                              [command, &app] {
                                command->config.take_rest(*app.get_subcommand("train"));
                                return command->run();
                              });
  command->config.add_to(sub);
  sub->add_flag("--help-config", command->help_config,
                "print every key with its type, default, unit and meaning, and stop");
  command->device.add_to(sub);
}

}  // namespace koi::cli
