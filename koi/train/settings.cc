#include "koi/train/settings.h"

#include <limits>

#include "koi/config/reader.h"
#include "koi/train/lora_settings.h"

namespace koi::train {
namespace {

using config::Node;
using config::Reader;

void require(bool holds, const std::string& key, const std::string& what) {
  if (!holds) Reader::fail(key, what);
}

// A target names one of the reference's classes; koi has its own for each that it knows.
void require_target(Reader& reader, const std::string& key, const std::string& known) {
  std::string target;
  reader.read(key, target);
  require(target == known, key, "koi knows only " + known + ", found " + target);
}

uint64_t read_seed(Reader& reader, const std::string& key, uint64_t otherwise) {
  auto seed = static_cast<int64_t>(otherwise);
  reader.read_optional(key, seed);
  require(seed >= 0, key, "must be 0 or more");
  return static_cast<uint64_t>(seed);
}

DatasetSettings read_dataset(Reader& reader, const Node& config, const std::string& key) {
  DatasetSettings settings;
  reader.read(key + ".proto_files", settings.proto_files);
  reader.read(key + ".max_length", settings.max_length);
  reader.read(key + ".causal", settings.causal);
  reader.read(key + ".interactive_prob", settings.interactive_prob);
  const std::string speaker_key = key + ".use_speaker";
  const Node* speaker = config.find(speaker_key);
  if (speaker != nullptr && speaker->get<double>() != nullptr) {
    double share = 0;
    reader.read(speaker_key, share);
    settings.use_speaker = share;
  } else {
    bool use = false;
    reader.read(speaker_key, use);
    settings.use_speaker = use;
  }
  reader.read_optional(key + ".skip_text_prob", settings.skip_text_prob);
  const std::string sentences_key = key + ".max_sentences";
  reader.read_optional(sentences_key, settings.max_sentences);
  require(settings.max_sentences >= 0, sentences_key, "must be 1 or more, or 0 for all that fit");
  const std::string dropout_key = key + ".text_dropout";
  reader.read_optional(dropout_key, settings.text_dropout);
  require(settings.text_dropout >= 0 && settings.text_dropout < 1, dropout_key,
          "must be 0 (none) to less than 1");
  reader.read_optional(key + ".learn_texts", settings.learn_texts);
  settings.seed = read_seed(reader, key + ".seed", settings.seed);
  return settings;
}

MixtureSettings read_mixture(Reader& reader, const Node& config, const std::string& key) {
  MixtureSettings settings;
  if (!reader.has(key + ".datasets")) {
    settings.datasets.push_back(read_dataset(reader, config, key));
    return settings;
  }
  const auto* datasets = config.find(key + ".datasets")->get<config::List>();
  require(datasets != nullptr && !datasets->empty(), key + ".datasets",
          "a list of datasets was expected");
  for (size_t i = 0; i < datasets->size(); ++i) {
    settings.datasets.push_back(
        read_dataset(reader, config, key + ".datasets." + std::to_string(i)));
  }
  reader.read(key + ".probabilities", settings.probabilities);
  require(settings.probabilities.size() == datasets->size(), key + ".probabilities",
          "one for each of the " + std::to_string(datasets->size()) + " datasets was expected");
  settings.seed = read_seed(reader, key + ".seed", settings.seed);
  return settings;
}

void read_base_weights(Reader& reader, Settings& settings) {
  const std::string key = "model.base_weights";
  std::string weights = "full";
  reader.read_optional(key, weights);
  require(weights == "full" || weights == "int8", key, "must be full or int8, found " + weights);
  if (weights == "full") return;
  require(settings.lora.has_value(), key,
          "int8 is for a base that stays as it is: add +lora@model.model.lora_config=r_8_alpha_16");
  settings.base_weights = BaseWeights::int8;
}

void read_losses(Reader& reader, Settings& settings) {
  reader.read_optional("model.alignment_loss", settings.alignment_weight);
  require(settings.alignment_weight >= 0 && settings.alignment_weight <= 1e3,
          "model.alignment_loss", "must be 0 (none) to 1000");
  reader.read_optional("model.code_noise", settings.code_noise);
  require(settings.code_noise >= 0 && settings.code_noise <= 0.5, "model.code_noise",
          "must be 0 (none) to 0.5");
  reader.read_optional("model.fast_frames", settings.fast_frames);
  require(settings.fast_frames >= 0.01 && settings.fast_frames <= 1, "model.fast_frames",
          "must be 0.01 to 1 (all)");
}

void read_model(Reader& reader, Settings& settings) {
  std::string path;
  reader.read("model.model.path", path);
  settings.base_model = path;
  reader.read("model.model.load_weights", settings.load_weights);
  reader.read("model.model.max_length", settings.max_length);
  require(settings.max_length >= 20, "model.model.max_length", "must be at least 20");
  if (reader.has("model.model.lora_config"))
    settings.lora = read_lora(reader, "model.model.lora_config.");
  std::string recompute = "auto";
  reader.read_optional("model.recompute", recompute);
  if (recompute == "auto") {
    settings.recompute = Recompute::automatic;
  } else {
    bool always = false;
    reader.read("model.recompute", always);
    settings.recompute = always ? Recompute::always : Recompute::never;
  }
  read_base_weights(reader, settings);
  read_losses(reader, settings);
}

void read_machine(Reader& reader, Settings& settings) {
  std::string precision;
  reader.read("trainer.precision", precision);
  if (precision == "bf16-true") {
    settings.precision = Precision::bfloat16;
  } else if (precision == "bf16-mixed" || precision == "bf16") {  // as in Lightning
    settings.precision = Precision::mixed;
  } else {
    require(precision == "32" || precision == "32-true", "trainer.precision",
            "koi knows bf16-true, bf16-mixed and 32-true, found " + precision);
    settings.precision = Precision::float32;
  }
  std::string accelerator;
  reader.read("trainer.accelerator", accelerator);
  require(accelerator == "gpu" || accelerator == "cuda" || accelerator == "auto" ||
              accelerator == "cpu",
          "trainer.accelerator", "koi knows gpu, cuda, auto and cpu, found " + accelerator);
  settings.accelerator = accelerator == "cpu" ? Accelerator::cpu : Accelerator::automatic;
  settings.ranks = read_rank_settings(reader);
}

void read_schedule(Reader& reader, Settings& settings) {
  const std::string key = "model.lr_scheduler.lr_lambda.";
  const std::string module = "fish_speech.scheduler.get_";
  require_target(reader, "model.lr_scheduler._target_", "torch.optim.lr_scheduler.LambdaLR");
  std::string target;
  reader.read(key + "_target_", target);
  if (target == module + "cosine_schedule_with_warmup_lr_lambda") {
    settings.schedule.kind = ScheduleKind::cosine;
  } else {
    require(target == module + "constant_schedule_with_warmup_lr_lambda", key + "_target_",
            "koi knows " + module + "constant_schedule_with_warmup_lr_lambda and " + module +
                "cosine_schedule_with_warmup_lr_lambda, found " + target);
  }
  reader.read(key + "num_warmup_steps", settings.schedule.warmup_steps);
  if (reader.has(key + "num_training_steps")) {
    int64_t steps = 0;
    reader.read(key + "num_training_steps", steps);
    settings.schedule.training_steps = steps;
  }
  reader.read_optional(key + "final_lr_ratio", settings.schedule.final_ratio);
  reader.read_optional(key + "num_cycles", settings.schedule.cycles);
  settings.schedule.factor(0);  // throws where training steps are needed
}

void read_optimizer(Reader& reader, Settings& settings) {
  require_target(reader, "model.optimizer._target_", "torch.optim.AdamW");
  AdamWOptions& optimizer = settings.optimizer;
  reader.read("model.optimizer.lr", optimizer.lr);
  reader.read("model.optimizer.weight_decay", optimizer.weight_decay);
  reader.read("model.optimizer.eps", optimizer.eps);
  std::vector<double> betas;
  reader.read("model.optimizer.betas", betas);
  require(betas.size() == 2, "model.optimizer.betas", "two numbers were expected");
  optimizer.beta1 = betas[0];
  optimizer.beta2 = betas[1];
  for (const double beta : betas)
    require(beta >= 0 && beta < 1, "model.optimizer.betas", "must lie in 0 to below 1");
  require(optimizer.lr >= 0 && optimizer.lr < 1e3, "model.optimizer.lr",
          "must be a number of 0 or more");
  require(optimizer.eps >= 0, "model.optimizer.eps", "must be 0 or more");
  require(optimizer.weight_decay >= 0, "model.optimizer.weight_decay", "must be 0 or more");
}

void read_steps(Reader& reader, Settings& settings) {
  reader.read("trainer.max_steps", settings.max_steps);
  require(settings.max_steps >= 1, "trainer.max_steps", "must be 1 or more");
  reader.read("trainer.accumulate_grad_batches", settings.accumulate_batches);
  require(settings.accumulate_batches >= 1, "trainer.accumulate_grad_batches", "must be 1 or more");
  std::string reduction = "tokens";
  reader.read_optional("trainer.loss_reduction", reduction);
  require(reduction == "tokens" || reduction == "reference", "trainer.loss_reduction",
          "must be tokens or reference, found " + reduction);
  settings.loss_reduction =
      reduction == "tokens" ? LossReduction::tokens : LossReduction::reference;
  settings.clip_norm = 0;
  reader.read_optional("trainer.gradient_clip_val", settings.clip_norm);
  require(settings.clip_norm >= 0, "trainer.gradient_clip_val", "must be 0 (none) or more");
  std::string algorithm = "norm";
  reader.read_optional("trainer.gradient_clip_algorithm", algorithm);
  require(algorithm == "norm", "trainer.gradient_clip_algorithm", "koi clips by norm only");
  reader.read("trainer.val_check_interval", settings.val_interval);
  require(settings.val_interval >= 1, "trainer.val_check_interval", "must be 1 step or more");
  reader.read("trainer.limit_val_batches", settings.val_batches);
  require(settings.val_batches >= 0 && settings.val_batches <= 10000, "trainer.limit_val_batches",
          "must be 0 (no validation) to 10000");
  reader.read_optional("trainer.early_stopping.patience", settings.patience);
  require(settings.patience >= 0, "trainer.early_stopping.patience", "must be 0 (never) or more");
  reader.read_optional("trainer.val_before_train", settings.val_before_train);
  reader.read_optional("trainer.samples.speak", settings.samples.speak);
  reader.read_optional("trainer.samples.text", settings.samples.text);
  require(!reader.has("trainer.check_val_every_n_epoch"), "trainer.check_val_every_n_epoch",
          "must be null: the data has no end, so there are no epochs");
  if (!reader.has("callbacks.grad_norm_monitor.norm_type")) return;
  std::string type;
  reader.read("callbacks.grad_norm_monitor.norm_type", type);
  if (type == "inf") {
    settings.grad_norm_type = std::numeric_limits<double>::infinity();
  } else {
    reader.read("callbacks.grad_norm_monitor.norm_type", settings.grad_norm_type);
  }
}

void read_checkpoints(Reader& reader, Settings& settings) {
  std::string folder;
  reader.read("paths.run_dir", folder);
  settings.run_folder = folder;
  reader.read("paths.ckpt_dir", folder);
  const std::string key = "callbacks.model_checkpoint";
  settings.save_interval = settings.val_interval;
  if (reader.has(key)) {
    reader.read_optional(key + ".dirpath", folder);
    reader.read_optional(key + ".every_n_train_steps", settings.save_interval);
    reader.read_optional(key + ".save_top_k", settings.save_top_k);
    std::string filename = "step_{step:09d}";
    reader.read_optional(key + ".filename", filename);
    require(filename == "step_{step:09d}", key + ".filename",
            "koi names checkpoints step_{step:09d}");
    std::string monitor = "step", mode = "max";
    reader.read_optional(key + ".monitor", monitor);
    reader.read_optional(key + ".mode", mode);
    require(monitor == "step" && mode == "max", key,
            "koi keeps the newest: monitor step, mode max");
  }
  require(settings.save_interval >= 1, key + ".every_n_train_steps", "must be 1 or more");
  require(settings.save_top_k >= 1 || settings.save_top_k == -1, key + ".save_top_k",
          "must be 1 or more, or -1 for all");
  settings.checkpoint_folder = folder;
  if (reader.has("ckpt_path")) {
    reader.read("ckpt_path", folder);
    settings.resume_from = folder;
  }
  reader.read_optional("resume_weights_only", settings.resume_weights_only);
}

void read_logger(Reader& reader, Settings& settings) {
  const std::string key = "logger.tensorboard";
  if (!reader.has(key)) return;
  if (reader.has(key + "._target_"))
    require_target(reader, key + "._target_",
                   "lightning.pytorch.loggers.tensorboard.TensorBoardLogger");
  std::string folder;
  reader.read(key + ".save_dir", folder);
  settings.tensorboard_folder = folder;
}

void read_held_out(Reader& reader, dataset::HeldOutOptions& options) {
  const std::string key = "data.held_out.";
  reader.read_optional(key + "share", options.share);
  require(options.share >= 0 && options.share < 1, key + "share", "must be 0 to below 1");
  reader.read_optional(key + "least", options.least);
  require(options.least >= 0, key + "least", "must be 0 or more");
  reader.read_optional(key + "most", options.most);
  require(options.most >= options.least, key + "most", "must not be less than " + key + "least");
}

void read_data(Reader& reader, const Node& config, Settings& settings) {
  settings.train_data = read_mixture(reader, config, "data.train_dataset");
  settings.val_data = read_mixture(reader, config, "data.val_dataset");
  std::string text;
  reader.read("data.train_dataset.tokenizer.pretrained_model_name_or_path", text);
  settings.tokenizer = text;
  reader.read("data.batch_size", settings.batch_size);
  require(settings.batch_size >= 1 && settings.batch_size <= 4096, "data.batch_size",
          "must be 1 to 4096");
  reader.read("data.num_workers", settings.num_workers);
  read_held_out(reader, settings.held_out);
  text = "koi";
  reader.read_optional("data.sampler", text);
  require(text == "koi" || text == "reference", "data.sampler",
          "must be koi or reference, found " + text);
  settings.reference_sampling = text == "reference";
  for (DatasetSettings& dataset : settings.train_data.datasets) {
    require(!settings.reference_sampling || dataset.max_sentences == 0,
            "data.train_dataset.max_sentences", "data.sampler=reference takes as many as fit");
    require(!settings.reference_sampling || dataset.text_dropout == 0,
            "data.train_dataset.text_dropout", "data.sampler=reference leaves no text out");
    dataset.alignment = settings.alignment_weight > 0;
  }
  require(!settings.reference_sampling || settings.alignment_weight == 0, "model.alignment_loss",
          "data.sampler=reference knows no alignment");
  settings.seed = read_seed(reader, "seed", settings.seed);
  int64_t data_length = 0;
  reader.read("data.max_length", data_length);
  require(data_length <= settings.max_length, "data.max_length",
          "must not exceed model.model.max_length");
}

}  // namespace

ReadSettings read_settings(const Node& config) {
  Reader reader(config);
  Settings settings;
  bool train = true, test = false;
  reader.read("train", train);
  require(train, "train", "must be true: koi train only trains");
  reader.read("test", test);
  require(!test, "test", "must be false: there is no test part");
  read_steps(reader, settings);
  read_model(reader, settings);
  read_machine(reader, settings);
  read_optimizer(reader, settings);
  read_schedule(reader, settings);
  read_checkpoints(reader, settings);
  read_logger(reader, settings);
  read_data(reader, config, settings);
  return {std::move(settings), reader.asked()};
}

}  // namespace koi::train
