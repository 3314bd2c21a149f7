// koi init: a random checkpoint folder in the published layout.
#include "koi/codec/init.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "cli/flags.h"
#include "koi/base/atomic_folder.h"
#include "koi/base/error.h"
#include "koi/base/system_memory.h"
#include "koi/checkpoint/codec_file.h"
#include "koi/config/json.h"
#include "koi/config/yaml.h"
#include "koi/lm/checkpoint.h"
#include "koi/lm/free_sizes.h"
#include "koi/lm/presets.h"
#include "koi/text/byte_tokenizer.h"
#include "koi/text/install_tokenizer.h"

namespace koi::cli {
namespace {

constexpr char kExamples[] =
    "  koi init checkpoints/tiny --preset tiny\n"
    "  koi init checkpoints/random --preset fish-speech-1.4 --seed 7\n"
    "  koi init checkpoints/other --codec-config my_codec.yaml     with a codec of other sizes\n"
    "  koi init checkpoints/mine --lm-config sizes.yaml --tokenizer tokenizer.json\n"
    "sizes.yaml holds keys of config.json:\n"
    "  dim: 128\n"
    "  n_head: 4\n"
    "  n_layer: 4\n"
    "  n_fast_layer: 2\n";
constexpr char kTiny[] = "tiny";

struct InitFlags {
  std::string folder;
  std::string preset = kTiny;
  std::string dtype;
  std::string codec_config;
  std::string lm_config;
  std::string tokenizer;
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

// The preset's file as it is where nothing else is asked for.
std::string config_of(const InitFlags& flags, const codec::FireflyConfig& codec,
                      int64_t tokenizer_size) {
  const std::string_view preset = lm::preset_json(flags.preset);
  const bool free_model = !flags.lm_config.empty() || !flags.tokenizer.empty();
  if (!free_model && flags.codec_config.empty()) return std::string(preset);
  lm::FreeSizes sizes{.codebooks = codec.codebooks(),
                      .codes = codec.codebook_size(),
                      .presets_codec = flags.codec_config.empty()};
  if (free_model) sizes.tokenizer_size = tokenizer_size;
  if (!flags.lm_config.empty()) {
    constexpr uint64_t kMaxBytes = 1 << 20;
    const std::string yaml = base::read_file(flags.lm_config, kMaxBytes);
    sizes.keys = config::dump_json(config::parse_yaml(yaml, flags.lm_config));
    sizes.where = flags.lm_config;
  }
  return lm::config_json(lm::sized_config(preset, sizes));
}

// Throws Error(config) where the model does not fit into the memory that is free. Gives its number
// of weights.
int64_t check_memory(const base::fs::path& folder, const InitFlags& flags) {
  constexpr double kGiB = 1 << 30;
  lm::DualAr shapes = lm::load_model(folder, {.shapes_only = true});
  int64_t count = 0;
  shapes.visit([&](const std::string&, const at::Tensor& weight) { count += weight.numel(); });
  const int64_t bytes = count * static_cast<int64_t>(at::elementSize(dtype_of(flags)));
  const int64_t free_bytes = base::available_memory_bytes();
  if (bytes > free_bytes) {
    throw Error(ErrorKind::config, flags.lm_config,
                fmt::format("the model's {} million weights take {:.1f} GiB, {:.1f} GiB are free",
                            count / 1'000'000, static_cast<double>(bytes) / kGiB,
                            static_cast<double>(free_bytes) / kGiB),
                "choose smaller sizes or --dtype bf16");
  }
  return count;
}

int64_t write_checkpoint(const InitFlags& flags, const base::fs::path& folder) {
  const codec::FireflyConfig codec = codec_config(flags);
  const int64_t tokenizer_size = flags.tokenizer.empty()
                                     ? text::kByteTokenizerSize
                                     : text::Tokenizer::load(flags.tokenizer).vocab_size();
  base::write_file(folder / "config.json", config_of(flags, codec, tokenizer_size));
  if (flags.tokenizer.empty()) {
    text::write_byte_tokenizer(folder);
  } else {
    text::install_tokenizer(flags.tokenizer, folder);
  }
  const int64_t weights = check_memory(folder, flags);
  codec::init_codec(codec, flags.seed, folder / checkpoint::kPublishedCodec);
  lm::DualAr model =
      lm::load_model(folder, {.dtype = dtype_of(flags), .load_weights = false, .seed = flags.seed});
  if (!model.config().tie_word_embeddings) lm::make_talkative(model);
  lm::save_weights(model, folder / "model.pth");
  return weights;
}

int run(const InitFlags& flags) {
  int64_t weights = 0;
  if (flags.force) {
    base::make_folder(flags.folder);
    weights = write_checkpoint(flags, flags.folder);
  } else {
    base::AtomicFolder folder(flags.folder);
    weights = write_checkpoint(flags, folder.temporary_path());
    folder.commit();
  }
  const std::string line = fmt::format(
      "{}: a {} checkpoint with {:.2f} million random weights, seed {}", printable(flags.folder),
      flags.preset, static_cast<double>(weights) / 1e6, flags.seed);
  std::printf("%s\n", line.c_str());
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
  command->add_option("--seed", flags->seed, "seed of the random weights")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--dtype", flags->dtype,
                   "of model.pth: f32 or bf16; by default f32 for tiny, bf16 for fish-speech-1.4")
      ->check(CLI::IsMember({"f32", "bf16"}));
  command->add_option("--codec-config", flags->codec_config,
                      "the codec's sizes: a .yaml with the keys of firefly_gan_vq.yaml; those that "
                      "are absent are the published ones");
  command->add_option(
      "--lm-config", flags->lm_config,
      "the model's sizes: a .yaml or .json with keys of config.json; those that are "
      "absent are the preset's, the codec's (codebooks) and the tokenizer's "
      "(vocab_size)");
  command->add_option("--tokenizer", flags->tokenizer,
                      "a tokenizer.json (koi tokenizer-train), or a checkpoint folder with one; "
                      "without, that of the bytes alone");
  add_switch(command, "force", flags->force,
             "write into a folder that is there; other files in it are kept");
}

}  // namespace koi::cli
