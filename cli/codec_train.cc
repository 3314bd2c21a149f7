// koi codec-train: a codec out of a folder of recordings.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <optional>

#include "cli/commands.h"
#include "cli/config_flags.h"
#include "cli/device_flags.h"
#include "cli/flags.h"
#include "koi/base/error.h"
#include "koi/base/progress.h"
#include "koi/codec_train/run.h"
#include "koi/config/interpolation.h"
#include "koi/config/yaml.h"
#include "koi/tensor/block_cache.h"
#include "koi/train/run_folder.h"

namespace koi::cli {
namespace {

constexpr char kExamples[] =
    "  koi codec-train --config-name codec_tiny project=my_codec data.recordings=recordings\n"
    "  koi codec-train project=big data.recordings=recordings data.exclude=never.txt\n"
    "  koi codec-train project=mine data.recordings=recordings "
    "codec.head.resblock_kernel_sizes=[3]\n"
    "  koi codec-train --config-name codec_tiny project=my_codec data.recordings=recordings \\\n"
    "      trainer.max_time=120 --threads 1       stops after two hours, saved\n"
    "  koi codec -i voice.wav -o again.wav --checkpoint-path \\\n"
    "      results/my_codec/codec/firefly-gan-vq-fsq-8x1024-21hz-generator.pth\n"
    "\n"
    "Three stages: encoder and quantizer (heard through a mel read-out), the generator by "
    "spectral\n"
    "losses, the generator against discriminators. The same command again goes on where the run\n"
    "stopped. Prints the codec's file; its course is in results/PROJECT/report.html.\n"
    "--cfg job prints every key with its value.";

struct CodecTrainCommand {
  ConfigFlags config{.config_name = "codec_train"};
  int threads = 0;

  int run() const;
};

// "1234 generator 234/8000 loss 1.2345 mel 0.4567 lr 1.0e-03 12 s/s 1:02:03 left".
std::string describe(const codec_train::Row& row, const codec_train::Settings& settings) {
  std::string words = fmt::format("{} {} {}/{}", row.step, codec_train::stage_name(row.stage),
                                  row.stage_step, settings.of(row.stage).steps);
  for (const auto& [name, value] : row.train)
    words +=
        name == "lr" ? fmt::format(" lr {:.1e}", value) : fmt::format(" {} {:.4f}", name, value);
  words +=
      fmt::format(" {:.1f} s/s {} left", row.audio_rate, base::format_duration(row.time_left_s));
  if (!row.validation) return words;
  for (const auto& [name, value] : row.validation->values)
    words += fmt::format(" val {} {:.4f}", name, value);
  words += " codes";
  for (const codec_train::CodeUsage& usage : row.validation->usage)
    words += fmt::format(" {}/{:.0f}", usage.distinct, usage.perplexity);
  return words;
}

// The bar of what is going on: decoding, encoding, or the steps.
class CodecTrainProgress {
 public:
  void print_line(const std::string& line) {
    if (bar_) return bar_->print_line(line);
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  void prepare(const std::string& what, size_t of) {
    if (what_ != what) bar_.emplace("codec-train", "files", of);
    what_ = what;
    bar_->advance(1, what);
  }
  void step(const codec_train::Row& row, const codec_train::Settings& settings) {
    if (what_ != "steps") {
      bar_.emplace("codec-train", "steps", static_cast<uint64_t>(settings.total_steps()));
      bar_->advance(static_cast<uint64_t>(row.step - 1));
      what_ = "steps";
    }
    using Line = base::Progress::Line;
    bar_->advance_as(1, describe(row, settings), row.validation ? Line::stays : Line::passes);
  }

 private:
  std::string what_;
  std::optional<base::Progress> bar_;
};

int CodecTrainCommand::run() const {
  const config::Composition composition = config.compose();
  if (config.print(composition)) return 0;
  auto [settings, asked] = codec_train::read_settings(config::resolve(composition.config));
  settings.overrides = config.overrides;
  config.note_unread(composition, asked);
  DeviceFlags{.device = "cpu", .threads = threads}.apply();
  tensor::keep_large_blocks();

  codec_train::RunResult result;
  {
    CodecTrainProgress progress;
    result = codec_train::run(
        settings,
        {.note = [&](const std::string& line) { progress.print_line(printable(line)); },
         .start =
             [&] {
               train::write_hydra_files(settings.run_folder, composition, config.config_name,
                                        config.overrides);
             },
         .prepared = [&](const char* what, size_t, size_t of) { progress.prepare(what, of); },
         .step = [&](const codec_train::Row& row) { progress.step(row, settings); }});
  }
  std::fprintf(stderr, "report: %s\n",
               printable(codec_train::report_path(settings).string()).c_str());
  std::puts(result.codec.c_str());
  const std::string place =
      fmt::format("step {} of {} is saved; the same command goes on from there", result.steps,
                  settings.total_steps());
  if (result.stopped) return report_interrupted(place);
  if (!result.complete) std::fprintf(stderr, "koi: the time is up: %s\n", place.c_str());
  return 0;
}

}  // namespace

void add_codec_train(CLI::App& app) {
  const auto command = std::make_shared<CodecTrainCommand>();
  CLI::App* sub = add_command(app, "codec-train", "Train a codec from a folder of recordings",
                              kExamples, [command, &app] {
                                command->config.take_rest(*app.get_subcommand("codec-train"));
                                return command->run();
                              });
  command->config.add_to(sub);
  sub->add_option("--threads", command->threads, "CPU threads; 0: all cores this process may use")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
}

}  // namespace koi::cli
