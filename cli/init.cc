// koi init: a random checkpoint folder in the published layout.
#include "koi/codec/init.h"

#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "cli/flags.h"
#include "koi/base/atomic_folder.h"
#include "koi/base/error.h"
#include "koi/checkpoint/codec_file.h"
#include "koi/lm/checkpoint.h"
#include "koi/lm/presets.h"
#include "koi/text/byte_tokenizer.h"

namespace koi::cli {
namespace {

constexpr char kExamples[] =
    "  koi init checkpoints/tiny --preset tiny\n"
    "  koi init checkpoints/random --preset fish-speech-1.4 --seed 7\n"
    "  koi init checkpoints/other --codec-config my_codec.yaml     with a codec of other sizes\n";
constexpr char kTiny[] = "tiny";

struct InitFlags {
  std::string folder;
  std::string preset = kTiny;
  std::string dtype;
  std::string codec_config;
  uint64_t seed = 42;
  bool force = false;
};

at::ScalarType dtype_of(const InitFlags& flags) {
  if (flags.dtype.empty()) return flags.preset == kTiny ? at::kFloat : at::kBFloat16;
  return flags.dtype == "f32" ? at::kFloat : at::kBFloat16;
}

codec::FireflyConfig codec_config(const InitFlags& flags) {
  if (!flags.codec_config.empty()) return codec::read_config(flags.codec_config);
  return flags.preset == kTiny ? codec::tiny_config() : codec::full_size_config();
}

void write_checkpoint(const InitFlags& flags, const base::fs::path& folder) {
  const std::string_view json = lm::preset_json(flags.preset);
  text::write_byte_tokenizer(folder);
  codec::init_codec(codec_config(flags), flags.seed, folder / checkpoint::kPublishedCodec);
  base::write_file(folder / "config.json", json);
  lm::DualAr model =
      lm::load_model(folder, {.dtype = dtype_of(flags), .load_weights = false, .seed = flags.seed});
  lm::make_talkative(model);
  lm::save_weights(model, folder / "model.pth");
}

int run(const InitFlags& flags) {
  if (flags.force) {
    base::make_folder(flags.folder);
    write_checkpoint(flags, flags.folder);
  } else {
    base::AtomicFolder folder(flags.folder);
    write_checkpoint(flags, folder.temporary_path());
    folder.commit();
  }
  std::printf("%s: a %s checkpoint with random weights, seed %llu\n",
              printable(flags.folder).c_str(), flags.preset.c_str(),
              static_cast<unsigned long long>(flags.seed));
  return 0;
}

}  // namespace

void add_init(CLI::App& app) {
  const auto flags = std::make_shared<InitFlags>();
  CLI::App* command = add_command(app, "init", "A random checkpoint folder for trials", kExamples,
                                  [flags] { return run(*flags); });
  command->add_option("folder", flags->folder, "folder to make")->required();
  command
      ->add_option("--preset", flags->preset,
                   "tiny: learns in seconds on a CPU; fish-speech-1.4: the published size, 494 "
                   "million parameters")
      ->capture_default_str();
  command->add_option("--seed", flags->seed, "seed of the random weights")->capture_default_str();
  command
      ->add_option("--dtype", flags->dtype,
                   "of model.pth: f32 or bf16; by default f32 for tiny, bf16 for fish-speech-1.4")
      ->check(CLI::IsMember({"f32", "bf16"}));
  command->add_option("--codec-config", flags->codec_config,
                      "the codec's sizes: a .yaml with the keys of firefly_gan_vq.yaml; those that "
                      "are absent are the published ones");
  add_switch(command, "force", flags->force,
             "write into a folder that is there; other files in it are kept");
}

}  // namespace koi::cli
