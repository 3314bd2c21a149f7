// koi merge-lora: base + adapters, or the weights of a full training -> a plain checkpoint.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "cli/device_flags.h"
#include "cli/flags.h"
#include "cli/lora_flags.h"
#include "koi/base/error.h"
#include "koi/lm/merge.h"
#include "koi/tensor/bridge.h"

namespace koi::cli {
namespace {

constexpr char kExamples[] =
    "  koi merge-lora --lora-config r_8_alpha_16 --base-weight checkpoints/fish-speech-1.4 \\\n"
    "    --lora-weight results/alice/checkpoints/step_000000010.ckpt --output checkpoints/alice\n"
    "  koi merge-lora --lora alice.ckpt:0.7 --lora bob.ckpt:0.3 --output checkpoints/both\n"
    "A training without LoRA leaves all weights; they take the base's place:\n"
    "  koi merge-lora --base-weight scratch --lora-weight "
    "results/mine/checkpoints/step_000005000.ckpt \\\n"
    "    --output mine\n";

struct MergeFlags {
  LoraFlags lora;
  std::string base = "checkpoints/fish-speech-1.4";
  std::string output;
  bool overwrite = false;
  DeviceFlags device;
};

int run(const MergeFlags& flags) {
  if (flags.lora.adapters.empty()) {
    throw Error(ErrorKind::usage, "--lora-weight", "is missing",
                "give the .ckpt of a training run, or a folder in PEFT's layout");
  }
  const lm::MergeReport report = lm::merge_checkpoint({.base = flags.base,
                                                       .adapters = flags.lora.load(),
                                                       .output = flags.output,
                                                       .overwrite = flags.overwrite,
                                                       .device = flags.device.apply()});
  const std::string line = fmt::format(
      "{}: {} tensors ({}), {} files copied; logits differ from the unmerged by at "
      "most {:.2g}, the largest is {:.3g}",
      printable(flags.output), report.tensors, checkpoint::name_of(tensor::dtype_of(report.dtype)),
      report.copied.size(), report.max_difference, report.max_logit);
  std::printf("%s\n", line.c_str());
  return 0;
}

}  // namespace

void add_merge_lora(CLI::App& app) {
  const auto flags = std::make_shared<MergeFlags>();
  CLI::App* command = add_command(app, "merge-lora", "Base + adapters -> a plain checkpoint",
                                  kExamples, [flags] { return run(*flags); });
  flags->lora.add_to(command,
                     "a run's .ckpt (an adapter, or all weights of a full fine-tune) or a folder "
                     "in PEFT's layout; FILE:0.7 for a weight (several)");
  command->add_option("--base-weight", flags->base, "checkpoint folder that was fine-tuned")
      ->capture_default_str();
  command->add_option("--output", flags->output, "checkpoint folder to make")->required();
  add_switch(command, "overwrite", flags->overwrite,
             "replace an output folder of an earlier merge");
  flags->device.add_to(command);
}

}  // namespace koi::cli
