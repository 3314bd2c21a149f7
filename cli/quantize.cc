// koi quantize: a checkpoint folder with smaller weights.
#include "koi/lm/quantize.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/lora_flags.h"
#include "cli/weights_flag.h"
#include "koi/base/error.h"
#include "koi/base/progress.h"
#include "koi/tensor/device.h"

namespace koi::cli {
namespace {

constexpr char kExamples[] =
    "  koi quantize --checkpoint-path results/alice/merged --output checkpoints/alice-int8\n"
    "  koi quantize --weights int8+int4 --lora alice.ckpt --output checkpoints/alice-small\n"
    "  koi say --text 'Good morning.' --checkpoint-path checkpoints/alice-int8 -o out.wav\n";

struct QuantizeFlags {
  std::string checkpoint = "checkpoints/fish-speech-1.4";
  std::string weights = "int8";
  LoraFlags lora;
  std::string output;
  int threads = 0;
  bool json = false;
};

int run(const QuantizeFlags& flags) {
  const lm::CpuFormats formats = parse_formats(flags.weights);
  tensor::set_threads(flags.threads);
  std::optional<base::Progress> progress;
  const auto on_tensor = [&](size_t, size_t total) {
    if (!progress) progress.emplace("quantize", "tensors", total);
    progress->advance();
  };
  const lm::QuantizeReport report = lm::quantize_checkpoint({.base = flags.checkpoint,
                                                             .formats = formats,
                                                             .adapters = flags.lora.load(),
                                                             .output = flags.output,
                                                             .threads = tensor::thread_count(),
                                                             .on_tensor = on_tensor});
  progress.reset();
  if (flags.json) {
    const nlohmann::ordered_json object = {
        {"output", flags.output}, {"weights", name_of(formats)},     {"tensors", report.tensors},
        {"bytes", report.bytes},  {"base_bytes", report.base_bytes}, {"copied", report.copied}};
    constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
    std::printf("%s\n", object.dump(-1, ' ', /*ensure_ascii=*/false, kReplace).c_str());
    return 0;
  }
  const std::string line = fmt::format(
      "{}: {} tensors ({}), {:.1f} MB in place of {:.1f}, {} files copied", printable(flags.output),
      report.tensors, name_of(formats), 1e-6 * static_cast<double>(report.bytes),
      1e-6 * static_cast<double>(report.base_bytes), report.copied.size());
  std::printf("%s\n", line.c_str());
  return 0;
}

}  // namespace

void add_quantize(CLI::App& app) {
  const auto flags = std::make_shared<QuantizeFlags>();
  CLI::App* command =
      add_command(app, "quantize", "A checkpoint with smaller weights, which speaks faster",
                  kExamples, [flags] { return run(*flags); });
  command->add_option("--checkpoint-path", flags->checkpoint, "checkpoint folder to start from")
      ->capture_default_str();
  command
      ->add_option("--weights", flags->weights,
                   "bf16, int8 or int4; int8+int4: the slow part's and the fast part's")
      ->capture_default_str();
  flags->lora.add_to(command,
                     "adapter that is merged first: a run's .ckpt or a folder in PEFT's layout; "
                     "FILE:0.7 for a weight (several)");
  command->add_option("--output", flags->output, "checkpoint folder to make")->required();
  command->add_option("--threads", flags->threads, "0: all cores this process may use")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  command->add_flag("--json", flags->json, "report as JSON");
}

}  // namespace koi::cli
