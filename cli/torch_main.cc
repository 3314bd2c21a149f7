// koi-torch: the commands that see tensors. Started by koi.
#include "cli/commands.h"
#include "cli/flags.h"

int main(int argc, char** argv) {
  using namespace koi::cli;
  CLI::App app("koi: from a folder of recordings and transcripts to a voice that speaks", "koi");
  add_extract_vq(app);
  add_train(app);
  add_merge_lora(app);
  add_export_lora(app);
  add_generate(app);
  add_codec(app);
  add_codec_train(app);
  add_say(app);
  add_eval(app);
  add_init(app);
  add_quantize(app);
  add_bench(app);
  return run_program(app, argc, argv);
}
