// koi: the light commands; the heavy ones are handed to koi-torch.
#include <cstdio>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/heavy.h"
#include "koi/base/error.h"
#include "koi/base/version.h"

int main(int argc, char** argv) {
  using namespace koi::cli;
  try {
    exec_heavy(argc, argv);
  } catch (const koi::Error& error) {
    std::fprintf(stderr, "koi: error: %s\n", error.what());
    return 1;
  }
  CLI::App app("koi: from a folder of recordings and transcripts to a voice that speaks", "koi");
  app.set_version_flag("--version", "koi " + std::string(koi::base::version()));
  app.footer(heavy_help() + "\nEach command: koi COMMAND --help");
  add_loudness_norm(app);
  add_slice(app);
  add_align(app);
  add_resample(app);
  add_length(app);
  add_split(app);
  add_import(app);
  add_validate(app);
  add_build_dataset(app);
  add_inspect(app);
  add_finetune(app);
  add_tokenizer_train(app);
  return run_program(app, argc, argv);
}
