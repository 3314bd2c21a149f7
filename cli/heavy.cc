#include "cli/heavy.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "koi/base/error.h"

namespace koi::cli {
namespace {

struct HeavyCommand {
  const char* name;
  const char* summary;
};

constexpr auto kHeavy = std::to_array<HeavyCommand>({
    {"extract-vq", "Recordings -> semantic tokens (.npy)"},
    {"train", "Fine-tune: LoRA or all weights"},
    {"codec-train", "Train a codec from a folder of recordings"},
    {"merge-lora", "Base + adapters -> a plain checkpoint"},
    {"export-lora", "An adapter -> PEFT's layout (.safetensors)"},
    {"generate", "Text -> semantic tokens (codes_N.npy)"},
    {"codec", "Audio -> codes and resynthesis; codes -> audio"},
    {"say", "Text -> speech (.wav)"},
    {"eval", "Checkpoints -> how well and how like they speak"},
    {"init", "A random checkpoint folder for trials"},
    {"quantize", "A checkpoint with smaller weights, which speaks faster"},
    {"bench", "How fast this machine is, and how near to its limits"},
});

// OpenMP's threads wait for each other by spinning, for about a millisecond unless told otherwise:
// beside other load two of them are slower than one. Some 30 us lose nothing on a quiet machine
// (docs/performance.md). libgomp reads its settings when it is loaded, so they are set before.
void spin_shortly() {
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) ::setenv("GOMP_SPINCOUNT", "10000", /*replace=*/0);
}

}  // namespace

void exec_heavy(int argc, char** argv) {
  if (argc < 2) return;
  bool heavy = false;
  for (const HeavyCommand& command : kHeavy)
    heavy = heavy || std::strcmp(argv[1], command.name) == 0;
  if (!heavy) return;
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto program = self.parent_path() / "koi-torch";
  spin_shortly();
  ::execv(program.c_str(), argv);
  throw Error(ErrorKind::not_found, program.string(),
              std::string("cannot be started: ") + std::strerror(errno),
              "it belongs beside koi: run make build");
}

std::string heavy_help() {
  std::string text = "Commands of the models (they load libtorch):\n";
  for (const HeavyCommand& command : kHeavy) {
    std::string name = command.name;
    name.resize(28, ' ');
    text += "  " + name + command.summary + "\n";
  }
  return text;
}

}  // namespace koi::cli
