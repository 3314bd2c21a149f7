#include "koi/train/settings_help.h"

#include <string_view>

#include "koi/config/yaml.h"

namespace koi::train {
namespace {

struct Entry {
  std::string_view key;  // "*.x" stands for the key x anywhere
  std::string_view unit;
  std::string_view meaning;
  std::string_view type = "";  // where the default (null, say) does not show it
};

constexpr std::string_view kNoEffect = "Accepted for the reference's command lines; has no effect.";

constexpr Entry kEntries[] = {
    {"*._target_", "", "The reference's class; koi maps it to its own and refuses unknown ones."},
    {"*._partial_", "", kNoEffect},
    {"project", "", "Name of the run; its folder is results/PROJECT."},
    {"pretrained_ckpt_path", "", "Folder of the checkpoint to start from, its tokenizer with it."},
    {"max_length", "tokens", "Longest sample, and longest row of a batch."},
    {"seed", "", "All random numbers of the run follow from it; without it 42.", "integer"},
    {"ckpt_path", "", "A .ckpt to start from where the run's folder has none yet.", "text"},
    {"resume_weights_only", "", "With ckpt_path: take its weights, begin at step 0.", "boolean"},
    {"train", "", "Must be true."},
    {"test", "", "Must be false."},
    {"paths.run_dir", "", "Folder of the run."},
    {"paths.ckpt_dir", "", "Folder of its checkpoints."},
    {"trainer.default_root_dir", "", kNoEffect},
    {"trainer.accelerator", "", "gpu or auto: a GPU where there is one, else the CPU; cpu."},
    {"trainer.num_nodes", "machines", "Checked against what the launcher says."},
    {"trainer.devices", "processes", "On this machine; auto is one."},
    {"trainer.strategy.process_group_backend", "",
     "nccl between GPUs, gloo between CPUs; nccl becomes gloo where there is no GPU."},
    {"trainer.precision", "",
     "bf16-true, bf16-mixed (weights in fp32, matrix products in bf16) or 32-true; without a GPU "
     "32-true, which is faster there, unless trainer.accelerator=cpu."},
    {"trainer.check_val_every_n_epoch", "", "Must be null.", "null"},
    {"trainer.val_check_interval", "steps", "From one validation to the next."},
    {"trainer.max_steps", "steps", "The run ends after them."},
    {"trainer.benchmark", "", kNoEffect},
    {"trainer.accumulate_grad_batches", "batches", "That make one step."},
    {"trainer.gradient_clip_val", "", "Norm that gradients are scaled down to; 0: none."},
    {"trainer.gradient_clip_algorithm", "", "Must be norm."},
    {"trainer.limit_val_batches", "batches",
     "Of a validation with data.sampler=reference; 0: no validation at all."},
    {"trainer.val_before_train", "", "Validate before the first step too."},
    {"trainer.loss_reduction", "",
     "tokens: every label of a step counts the same; reference: the mean of the batches' means."},
    {"trainer.early_stopping.patience", "validations",
     "Without a better one that end the run; null: none do.", "integer"},
    {"trainer.samples.speak", "", "Speak a sentence at each validation, into samples/ of the run."},
    {"trainer.samples.text", "", "What is said; null: a held-out sentence."},
    {"trainer.timeout_s", "s", "Without a sign of life of one process, until the others end."},
    {"callbacks.model_checkpoint.dirpath", "", "Folder of the checkpoints."},
    {"callbacks.model_checkpoint.filename", "", "Must be step_{step:09d}."},
    {"callbacks.model_checkpoint.save_last", "", kNoEffect},
    {"callbacks.model_checkpoint.save_top_k", "checkpoints",
     "That are kept, the newest ones, and the best one beside them; -1: all."},
    {"callbacks.model_checkpoint.monitor", "", "Must be step."},
    {"callbacks.model_checkpoint.mode", "", "Must be max."},
    {"callbacks.model_checkpoint.every_n_epochs", "", kNoEffect, "null"},
    {"callbacks.model_checkpoint.every_n_train_steps", "steps", "From one checkpoint to the next."},
    {"callbacks.model_checkpoint.auto_insert_metric_name", "", kNoEffect},
    {"callbacks.model_summary.max_depth", "", kNoEffect},
    {"callbacks.learning_rate_monitor.logging_interval", "", kNoEffect},
    {"callbacks.learning_rate_monitor.log_momentum", "", kNoEffect},
    {"callbacks.grad_norm_monitor.norm_type", "", "Of grad_norm in metrics.jsonl: 2, 1, inf."},
    {"callbacks.grad_norm_monitor.logging_interval", "", kNoEffect},
    {"logger.tensorboard.save_dir", "",
     "Folder of TensorBoard's event files; logger=null: none are written."},
    {"logger.tensorboard.name", "", kNoEffect, "null"},
    {"logger.tensorboard.log_graph", "", kNoEffect},
    {"logger.tensorboard.default_hp_metric", "", kNoEffect},
    {"logger.tensorboard.prefix", "", kNoEffect},
    {"*tokenizer", "", "Folder of the tokenizer, by default the checkpoint's."},
    {"*tokenizer.pretrained_model_name_or_path", "",
     "Folder of the tokenizer, by default the checkpoint's."},
    {"*_dataset", "", "What data.train_dataset or data.val_dataset takes over."},
    {"*.proto_files", "", "Shards (.protos) or folders of them; {a,b} and {00..09} are expanded."},
    {"*.causal", "", "Sentences that stand side by side in the data do so in a sample."},
    {"*.max_length", "tokens", "Longest sample, and longest row of a batch."},
    {"*.use_speaker", "",
     "true: the speaker's name stands for \"assistant\"; a number: in that share of samples."},
    {"*.interactive_prob", "share", "Of samples with a turn a sentence, 0 to 1."},
    {"*.skip_text_prob", "share", "Of turns without their text, in samples with a turn a sentence.",
     "float"},
    {"*.max_sentences", "sentences", "A sample has at most; 0: as many as fit.", "integer"},
    {"*.text_dropout", "share",
     "Of samples that are learnt without their texts, so that koi say --guidance has them to "
     "compare with.",
     "float"},
    {"*.learn_texts", "",
     "false: texts are read but not learnt, so that little data teaches its speech alone.",
     "boolean"},
    {"*_dataset.seed", "", "Of the order of shards and speakers; without it 42.", "integer"},
    {"*_dataset.datasets", "", "Several data sets in place of one, each with the keys above.",
     "list"},
    {"*_dataset.probabilities", "shares", "Of these data sets, with data.sampler=reference.",
     "list"},
    {"data.held_out.share", "share",
     "Of the sentences that never enter training, chosen by their text."},
    {"data.held_out.least", "sentences", "That are held out at least."},
    {"data.held_out.most", "sentences", "That are held out at most."},
    {"data.num_workers", "workers", "Streams of the reference's sampler (data.sampler=reference)."},
    {"data.sampler", "",
     "koi: every epoch visits every sentence once, without padding; reference: the reference's "
     "draws."},
    {"data.batch_size", "rows", "Of a batch on one device."},
    {"model.recompute", "",
     "Compute the layers again in the backward pass instead of keeping them: auto (where keeping "
     "them would not fit), true, false."},
    {"model.base_weights", "",
     "full; int8: the frozen base's linear weights in a quarter of the memory, an approximation "
     "while adapters are trained."},
    {"model.alignment_loss", "",
     "Weight of asking each frame for the token that is spoken in it, where NAME.alignment tells; "
     "0: none. For a model from nothing."},
    {"model.code_noise", "share",
     "Of the frames, and of the codes by themselves, that training reads as another frame's: "
     "little "
     "data is learnt by heart later, and faults of its own speech harm a model less."},
    {"model.fast_frames", "share",
     "Of the frames whose codes a step learns from: fewer take less time, and stand for all."},
    {"model.model.path", "", "Folder of the checkpoint to start from."},
    {"model.model.load_weights", "", "false: begin with random weights."},
    {"model.model.max_length", "tokens", "Positions of the model."},
    {"model.model.lora_config", "",
     "null: all weights are trained; +lora@model.model.lora_config=r_8_alpha_16: adapters.",
     "group"},
    {"model.model.lora_config.r", "", "Rank of the adapters."},
    {"model.model.lora_config.lora_alpha", "", "Adapters are scaled by lora_alpha / r."},
    {"model.model.lora_config.targets", "",
     "What is adapted: a list of all, slow, fast, attention, ffn, embeddings, output and names "
     "with "
     "*."},
    {"model.model.lora_config.use_rslora", "", "Scale by lora_alpha / sqrt(r)."},
    {"model.model.lora_config.lora_dropout", "share", "Of an adapter's inputs left out in a step."},
    {"model.optimizer.lr", "", "Learning rate after the warm-up."},
    {"model.optimizer.weight_decay", "", "Not of norms, biases and the text embedding."},
    {"model.optimizer.betas", "", "Decay of AdamW's two averages."},
    {"model.optimizer.eps", "", "Keeps AdamW's division finite."},
    {"model.lr_scheduler.lr_lambda.num_warmup_steps", "steps",
     "Over which the rate rises from 0; below 1: a share of num_training_steps."},
    {"model.lr_scheduler.lr_lambda.num_training_steps", "steps",
     "Over which a cosine schedule falls.", "integer"},
    {"model.lr_scheduler.lr_lambda.final_lr_ratio", "share", "Floor of a cosine schedule.",
     "float"},
    {"model.lr_scheduler.lr_lambda.num_cycles", "", "Of a cosine schedule: 0.5 falls once.",
     "float"},
};

// Keys that a configuration may have on top of the built-in ones.
constexpr std::string_view kAddable[] = {
    "seed",
    "ckpt_path",
    "resume_weights_only",
    "train_dataset.skip_text_prob",
    "train_dataset.max_sentences",
    "train_dataset.text_dropout",
    "train_dataset.learn_texts",
    "val_dataset.learn_texts",
    "train_dataset.seed",
    "train_dataset.datasets",
    "train_dataset.probabilities",
    "model.lr_scheduler.lr_lambda.num_training_steps",
    "model.lr_scheduler.lr_lambda.final_lr_ratio",
    "model.lr_scheduler.lr_lambda.num_cycles",
};

bool matches(std::string_view pattern, std::string_view key) {
  return pattern.starts_with("*") ? key.ends_with(pattern.substr(1)) : key == pattern;
}

// An entry of the key's own goes before a pattern.
Entry find_entry(std::string_view key) {
  Entry found{key, "", ""};
  for (const Entry& entry : kEntries) {
    if (entry.key == key) return entry;
    if (found.meaning.empty() && matches(entry.key, key)) found = entry;
  }
  return found;
}

std::string one_line(const config::Node& node) {
  if (const auto* list = node.get<config::List>()) {
    std::string text;
    for (const config::Node& item : *list) text += (text.empty() ? "" : ", ") + one_line(item);
    return "[" + text + "]";
  }
  std::string text = config::dump_yaml(node);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

SettingHelp help_for(const std::string& key, const config::Node* node) {
  const Entry entry = find_entry(key);
  SettingHelp help{.key = key,
                   .type = std::string(entry.type),
                   .default_value = node != nullptr ? one_line(*node) : "none",
                   .unit = std::string(entry.unit),
                   .meaning = std::string(entry.meaning)};
  const bool refers = help.default_value.starts_with("${");
  if (help.type.empty() && node != nullptr) help.type = refers ? "reference" : node->kind();
  return help;
}

void collect(const config::Node& node, const std::string& prefix,
             std::vector<SettingHelp>& settings) {
  const auto* map = node.get<config::Map>();
  if (map == nullptr) {
    settings.push_back(help_for(prefix, &node));
    return;
  }
  for (const auto& [key, child] : map->entries)
    collect(child, prefix.empty() ? key : prefix + "." + key, settings);
}

}  // namespace

std::vector<SettingHelp> describe_settings(const config::Node& config) {
  std::vector<SettingHelp> settings;
  collect(config, "", settings);
  for (const std::string_view key : kAddable) {
    if (config.find(key) == nullptr) settings.push_back(help_for(std::string(key), nullptr));
  }
  return settings;
}

std::string print_settings(const std::vector<SettingHelp>& settings) {
  std::string text;
  for (const SettingHelp& setting : settings) {
    text +=
        setting.key + ": " + setting.type + ", " +
        (setting.default_value == "none" ? "added with +" : "default " + setting.default_value) +
        (setting.unit.empty() ? "" : " (" + setting.unit + ")") + "\n    " + setting.meaning + "\n";
  }
  return text;
}

}  // namespace koi::train
