// koi finetune: all steps from a folder of recordings to a voice and one sample sentence. Each step
// is a command of its own that does nothing again that is done, so a second run goes on where the
// first stopped.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/loss_curve.h"
#include "cli/normalize_flag.h"
#include "cli/step_runner.h"
#include "koi/base/error.h"
#include "koi/base/failure_list.h"
#include "koi/base/files.h"
#include "koi/base/interrupt.h"
#include "koi/base/launch.h"
#include "koi/checkpoint/codec_file.h"
#include "koi/checkpoint/weights_file.h"
#include "koi/text/clean.h"

namespace koi::cli {
namespace {

namespace fs = std::filesystem;

struct FinetuneFlags {
  std::string raw;
  std::string name;
  std::string checkpoint = "checkpoints/fish-speech-1.4";
  std::string config_name = "text2semantic_finetune";
  std::string lora_config = "r_8_alpha_16";
  std::string text_extension = ".lab";
  std::string text;
  std::string normalize = "none";
  std::string device = "auto";
  int threads = 0;
  int64_t steps = 0;
  int64_t max_new_tokens = 0;
  int shifts = 1;
  std::vector<std::string> overrides;
  bool strict = false;
  bool json = false;
};

// Where a run keeps what it makes; all of one voice lies under results/NAME.
struct Layout {
  explicit Layout(const std::string& name) : run(fs::path("results") / name) {}
  fs::path run;
  fs::path findings() const { return run / "data.html"; }
  fs::path data() const { return run / "data"; }
  fs::path shards() const { return run / "protos"; }
  fs::path checkpoints() const { return run / "checkpoints"; }
  fs::path metrics() const { return run / "metrics.jsonl"; }
  fs::path report() const { return run / "report.html"; }
  fs::path merged() const { return run / "merged"; }
  fs::path sample() const { return run / "sample.wav"; }
};

// The best checkpoint by validation, else the newest.
fs::path chosen_checkpoint(const fs::path& folder) {
  std::error_code error;
  const fs::path best = fs::read_symlink(folder / "best.ckpt", error);
  if (!error && fs::exists(folder / best)) return folder / best;
  const auto files = base::list_files(
      folder,
      [](const fs::path& p) {
        return p.extension() == ".ckpt" && p.filename().string().starts_with("step_");
      },
      false);
  if (files.empty())
    throw Error(ErrorKind::not_found, folder.string(), "training left no checkpoint");
  return files.back();
}

bool is_newer(const fs::path& made, const fs::path& source) {
  std::error_code error;
  const auto made_time = fs::last_write_time(made, error);
  return !error && made_time >= fs::last_write_time(source);
}

// Is a file newer than a folder, all that lies in it included? Not where that cannot be told.
bool is_newer_than_all(const fs::path& made, const fs::path& folder) {
  std::error_code error;
  const auto made_time = fs::last_write_time(made, error);
  if (error || fs::last_write_time(folder, error) > made_time) return false;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (entry->last_write_time(error) > made_time) return false;
  }
  return !error;
}

// The sample sentence, where none is given: the first transcript, which is in the voice's language.
std::string first_transcript(const fs::path& data, const std::string& extension) {
  const auto files =
      base::list_files(data, [&](const fs::path& p) { return p.extension() == extension; });
  for (const fs::path& file : files) {
    const std::string text =
        text::clean_text(text::clean_transcript(base::read_file(file, 1 << 20)));
    if (!text.empty()) return text;
  }
  throw Error(ErrorKind::not_found, data.string(),
              "no transcript (" + extension + ") beside the recordings",
              "write the words of x.wav into x" + extension);
}

class Finetune {
 public:
  explicit Finetune(const FinetuneFlags& flags) : flags_(flags), at_(flags.name) {}

  int run() {
    check_input();
    base::make_folder(at_.run);
    const bool ran =
        step(validate()) && data_step({"loudness-norm", {flags_.raw, at_.data()}}, at_.data()) &&
        data_step(with_device(
                      {"extract-vq",
                       {at_.data(), "--checkpoint-path", checkpoint::find_codec(flags_.checkpoint),
                        "--shifts", std::to_string(flags_.shifts)}}),
                  at_.data()) &&
        data_step({"build-dataset",
                   {"--input", at_.data(), "--output", at_.shards(), "--text-extension",
                    flags_.text_extension, "--normalize", flags_.normalize}},
                  at_.shards()) &&
        step(train()) && step(merge()) && step(say());
    report(ran);
    if (ran) return 0;
    return base::stop_requested() ? base::stop_status() : results_.back().status;
  }

 private:
  void check_input() const {
    if (!base::read_ranks().alone()) {
      throw Error(ErrorKind::usage, "finetune",
                  "was started as one of several processes, but runs its steps one after the other",
                  "start it once; trainer.devices=N trains in several processes");
    }
    if (flags_.name.empty() || flags_.name.find('/') != std::string::npos ||
        flags_.name.front() == '.') {
      throw Error(ErrorKind::usage, "--name",
                  "must be a plain name, found \"" + flags_.name + "\"");
    }
    if (!fs::is_directory(flags_.raw))
      throw Error(ErrorKind::not_found, flags_.raw, "no such folder");
    checkpoint::find_codec(flags_.checkpoint);
    checkpoint::require_full_weights(checkpoint::load_weights(flags_.checkpoint));
  }

  bool step(const Step& what) {
    std::fprintf(stderr, "== %s%s\n", what.name.c_str(),
                 what.finished ? ": was there already" : "");
    results_.push_back(run_step(what));
    return results_.back().status == 0 && !base::stop_requested();
  }

  // A step through many files, of which some may fail: unless strict, the others go on. It has then
  // come to its end and left a list of the failures in `results`.
  bool data_step(const Step& what, const fs::path& results) {
    const fs::path list = base::failure_list_path(results, what.name, {});
    std::error_code ignored;
    fs::remove(list, ignored);
    if (step(what)) return true;
    return !flags_.strict && results_.back().status == 1 && !base::stop_requested() &&
           fs::exists(list, ignored);
  }

  Step with_device(Step what) const {
    what.arguments.insert(what.arguments.end(),
                          {"--device", flags_.device, "--threads", std::to_string(flags_.threads)});
    return what;
  }

  // Values are quoted for the override grammar: a path may hold anything.
  static std::string quoted(const std::string& key, const std::string& value) {
    std::string text = key + "='";
    for (const char c : value) {
      if (c == '\'' || c == '\\') text += '\\';
      text += c;
    }
    return text + "'";
  }

  Step validate() const {
    Step what{"validate",
              {flags_.raw, "--text-extension", flags_.text_extension, "--html", at_.findings()}};
    if (!flags_.strict) what.arguments.push_back("--lenient");
    // The data are there only where the step let the next one begin.
    what.finished =
        !flags_.strict && fs::exists(at_.data()) && is_newer_than_all(at_.findings(), flags_.raw);
    return what;
  }

  Step train() const {
    Step what{"train", {"--config-name", flags_.config_name}};
    auto& words = what.arguments;
    words.push_back(quoted("project", flags_.name));
    words.push_back(quoted("pretrained_ckpt_path", flags_.checkpoint));
    const std::string shards = quoted("", at_.shards()).substr(1);
    words.push_back("train_dataset.proto_files=[" + shards + "]");
    words.push_back("val_dataset.proto_files=[" + shards + "]");
    words.push_back("+lora@model.model.lora_config=" + flags_.lora_config);
    if (flags_.steps > 0) words.push_back("trainer.max_steps=" + std::to_string(flags_.steps));
    words.insert(words.end(), flags_.overrides.begin(), flags_.overrides.end());
    return with_device(what);
  }

  Step merge() const {
    const fs::path adapter = chosen_checkpoint(at_.checkpoints());
    Step what{"merge-lora",
              {"--base-weight", flags_.checkpoint, "--lora-weight", adapter, "--output",
               at_.merged(), "--overwrite"}};
    what.finished = is_newer(at_.merged() / "model.pth", adapter);
    return with_device(what);
  }

  Step say() const {
    const std::string text =
        flags_.text.empty() ? first_transcript(at_.data(), flags_.text_extension) : flags_.text;
    Step what{"say",
              {"--text", text, "--normalize", flags_.normalize, "--checkpoint-path", at_.merged(),
               "-o", at_.sample()}};
    if (flags_.max_new_tokens > 0) {
      what.arguments.insert(what.arguments.end(),
                            {"--max-new-tokens", std::to_string(flags_.max_new_tokens)});
    }
    return with_device(what);
  }

  void report(bool ran) const {
    std::vector<LossPoint> losses;
    if (fs::exists(at_.metrics())) losses = read_losses(at_.metrics());
    if (flags_.json) {
      nlohmann::json steps = nlohmann::json::array();
      for (const StepResult& result : results_) {
        steps.push_back({{"name", result.name},
                         {"seconds", result.seconds},
                         {"status", result.status},
                         {"skipped", result.skipped}});
      }
      nlohmann::json summary = {{"run", at_.run}, {"steps", steps}};
      if (!losses.empty())
        summary["loss"] = {{"first", losses.front().loss}, {"last", losses.back().loss}};
      if (fs::exists(at_.findings())) summary["findings"] = at_.findings();
      if (fs::exists(at_.report())) summary["report"] = at_.report();
      if (ran) summary.update({{"merged", at_.merged()}, {"wav", at_.sample()}});
      std::printf("%s\n", summary.dump().c_str());
      return;
    }
    std::printf("\n%s\n%s", draw_losses(losses).c_str(), step_table(results_).c_str());
    if (fs::exists(at_.findings())) std::printf("\ndata: %s\n", at_.findings().c_str());
    if (fs::exists(at_.report())) std::printf("\nreport: %s\n", at_.report().c_str());
    if (ran) {
      std::printf("\nvoice: %s\nspeech: %s\n", at_.merged().c_str(), at_.sample().c_str());
    } else {
      std::printf("\n%s stopped; the same command goes on from there\n",
                  results_.back().name.c_str());
    }
  }

  const FinetuneFlags& flags_;
  Layout at_;
  std::vector<StepResult> results_;
};

}  // namespace

void add_finetune(CLI::App& app) {
  static FinetuneFlags flags;
  CLI::App* command = add_command(
      app, "finetune",
      "All steps from recordings to a voice: a look at them, loudness, codes, shards, training, "
      "merge, a sample",
      "  koi finetune data-raw --name alice --checkpoint-path checkpoints/fish-speech-1.4\n"
      "  koi finetune 녹음 --name 민지 --checkpoint-path checkpoints/fish-speech-1.4 --text "
      "'안녕하세요.'\n"
      "  koi finetune 녹음 --name 민지 --checkpoint-path checkpoints/fish-speech-1.4 --normalize "
      "auto\n"
      "  koi finetune data-raw --name alice --steps 500 model.optimizer.lr=5e-5 data.batch_size=2\n"
      "Everything lies in results/NAME; the same command again goes on where it stopped.\n",
      [] { return Finetune(flags).run(); });
  command
      ->add_option(
          "raw", flags.raw,
          "folder of recordings with a transcript beside each (SPEAKER/x.wav, SPEAKER/x.lab)")
      ->required();
  command->add_option("--name", flags.name, "name of the voice and of its folder under results/")
      ->required();
  command
      ->add_option("--checkpoint-path", flags.checkpoint,
                   "the base checkpoint's folder, codec included")
      ->capture_default_str();
  command
      ->add_option("--config-name", flags.config_name,
                   "the training's configuration, as for koi train")
      ->capture_default_str();
  command->add_option("--lora-config", flags.lora_config, "the adapter's configuration")
      ->capture_default_str();
  command->add_option("--text-extension", flags.text_extension, "extension of the transcripts")
      ->capture_default_str();
  command
      ->add_option("--shifts", flags.shifts,
                   "codes of each recording, as for koi extract-vq: more for little data")
      ->capture_default_str()
      ->check(CLI::Range(1, 16));
  command
      ->add_option("--steps", flags.steps,
                   "training steps; 0: trainer.max_steps of the configuration")
      ->capture_default_str();
  command->add_option("--text", flags.text, "the sample sentence; by default the first transcript");
  add_normalize(command, flags.normalize);
  command
      ->add_option("--max-new-tokens", flags.max_new_tokens,
                   "longest sample in frames of 46 ms; 0: as many as fit")
      ->capture_default_str();
  command
      ->add_option("--device", flags.device,
                   "auto (a GPU where one is usable), cpu, cuda or cuda:N")
      ->capture_default_str();
  command->add_option("--threads", flags.threads, "CPU threads; 0: all cores this process may use")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  command->add_option("overrides", flags.overrides,
                      "overrides of the training's configuration, as for koi train");
  command->add_flag("--strict", flags.strict,
                    "stop where koi validate finds something that would harm training; else it "
                    "goes on while a single recording is usable");
  command->add_flag("--json", flags.json, "the result as one JSON object on standard output");
}

}  // namespace koi::cli
