// The commands. Each file registers one sub-command on the program: its flags, its help with
// examples, and the call into the library.
#pragma once

#include <CLI/CLI.hpp>

namespace koi::cli {

// In koi (no libtorch):
void add_loudness_norm(CLI::App& app);
void add_slice(CLI::App& app);
void add_align(CLI::App& app);
void add_resample(CLI::App& app);
void add_length(CLI::App& app);
void add_split(CLI::App& app);
void add_import(CLI::App& app);
void add_validate(CLI::App& app);
void add_build_dataset(CLI::App& app);
void add_inspect(CLI::App& app);
void add_finetune(CLI::App& app);
void add_tokenizer_train(CLI::App& app);

// In koi-torch:
void add_extract_vq(CLI::App& app);
void add_train(CLI::App& app);
void add_merge_lora(CLI::App& app);
void add_export_lora(CLI::App& app);
void add_generate(CLI::App& app);
void add_codec(CLI::App& app);
void add_codec_train(CLI::App& app);
void add_say(CLI::App& app);
void add_eval(CLI::App& app);
void add_init(CLI::App& app);
void add_quantize(CLI::App& app);
void add_bench(CLI::App& app);

}  // namespace koi::cli
