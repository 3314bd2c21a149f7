// koi export-lora: an adapter in PEFT's layout.
#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/lora_flags.h"
#include "koi/base/atomic_folder.h"
#include "koi/base/error.h"
#include "koi/lm/peft.h"

namespace koi::cli {
namespace {

constexpr char kExamples[] =
    "  koi export-lora --lora results/alice/checkpoints/step_000000100.ckpt --output alice-peft\n";

struct ExportFlags {
  LoraFlags lora;
  std::string output;
};

int run(const ExportFlags& flags) {
  const std::vector<lm::WeightedAdapter> adapters = flags.lora.load();
  if (adapters.size() != 1 || adapters[0].weight != 1) {
    throw Error(ErrorKind::usage, "--lora", "one adapter without a weight was expected",
                "koi merge-lora takes several");
  }
  base::AtomicFolder folder(flags.output);
  lm::save_peft(adapters[0].file, folder.temporary_path());
  folder.commit();
  std::printf("%s: %zu tensors, rank %d\n", printable(flags.output).c_str(),
              adapters[0].file.tensors.size(), static_cast<int>(adapters[0].file.info.lora.r));
  return 0;
}

}  // namespace

void add_export_lora(CLI::App& app) {
  const auto flags = std::make_shared<ExportFlags>();
  CLI::App* command = add_command(app, "export-lora", "An adapter -> PEFT's layout (.safetensors)",
                                  kExamples, [flags] { return run(*flags); });
  flags->lora.add_to(command, "adapter to write (.ckpt of a training run)");
  command->add_option("--output", flags->output, "folder to make")->required();
}

}  // namespace koi::cli
