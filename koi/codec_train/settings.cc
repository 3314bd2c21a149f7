#include "koi/codec_train/settings.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "koi/config/reader.h"
#include "koi/config/yaml.h"

namespace koi::codec_train {
namespace {

using config::Reader;

// No training comes near; what is larger would only exhaust memory.
constexpr int64_t kMostSteps = int64_t{1} << 40;
constexpr int64_t kMostSegments = 4096;
constexpr int64_t kMostColumns = 4096;
constexpr int64_t kMostWindow = 1 << 16;

void require(bool holds, const std::string& key, const std::string& what) {
  if (!holds) Reader::fail(key, what);
}

void read_number(Reader& reader, const std::string& key, double& value, double least, double most) {
  reader.read(key, value);
  require(value >= least && value <= most, key,
          "must be " + std::to_string(least) + " to " + std::to_string(most));
}

void read_count(Reader& reader, const std::string& key, int64_t& value, int64_t least,
                int64_t most) {
  reader.read(key, value);
  require(value >= least && value <= most, key,
          "must be " + std::to_string(least) + " to " + std::to_string(most) + ", found " +
              std::to_string(value));
}

std::vector<int64_t> read_counts(Reader& reader, const std::string& key, int64_t most) {
  std::vector<double> values;
  reader.read(key, values);
  require(!values.empty() && values.size() <= 32, key, "1 to 32 numbers were expected");
  std::vector<int64_t> counts;
  for (const double value : values) {
    require(value >= 1 && value <= static_cast<double>(most) && value == std::floor(value), key,
            "whole numbers from 1 to " + std::to_string(most) + " were expected");
    counts.push_back(static_cast<int64_t>(value));
  }
  return counts;
}

void read_data(Reader& reader, DataSettings& data) {
  std::string text;
  require(reader.has("data.recordings"), "data.recordings",
          "say where the recordings are: data.recordings=FOLDER");
  reader.read("data.recordings", text);
  data.folder = text;
  if (reader.has("data.exclude")) {
    reader.read("data.exclude", text);
    data.exclude = text;
  }
  read_number(reader, "data.held_out.share", data.held_out_share, 0, 0.9);
  read_count(reader, "data.held_out.least", data.held_out_least, 0, 1 << 20);
  read_count(reader, "data.held_out.most", data.held_out_most, data.held_out_least, 1 << 20);
}

void read_stages(Reader& reader, Settings& settings) {
  for (const Stage stage : kStages) {
    const std::string key = std::string("stages.") + stage_name(stage) + ".";
    StageSettings& of = settings.stages[static_cast<size_t>(stage)];
    read_count(reader, key + "steps", of.steps, 0, kMostSteps);
    read_number(reader, key + "lr", of.lr, 0, 1);
    read_count(reader, key + "batch_size", of.batch_size, 1, kMostSegments);
    read_count(reader, key + "columns", of.columns, 1, kMostColumns);
  }
  require(settings.total_steps() > 0, "stages", "at least one stage must have steps");
}

void read_losses(Reader& reader, Settings& settings) {
  if (reader.has("loss.mel_band_hz"))
    read_number(reader, "loss.mel_band_hz", settings.mel_band_hz, 100, 1e6);
  read_number(reader, "loss.mel", settings.mel_weight, 0, 1e6);
  read_number(reader, "loss.stft", settings.stft_weight, 0, 1e6);
  for (const int64_t window : read_counts(reader, "loss.stft_windows", kMostWindow)) {
    require(window >= 8, "loss.stft_windows", "8 samples or more were expected");
    settings.stft_sizes.push_back({.n_fft = window, .hop = window / 4, .window = window});
  }
  read_number(reader, "loss.adversarial", settings.adversarial_weight, 0, 1e6);
  read_number(reader, "loss.feature", settings.feature_weight, 0, 1e6);
  read_number(reader, "loss.input_deviation", settings.input_deviation, 0.01, 10);
  read_number(reader, "loss.deviation", settings.deviation_weight, 0, 1e6);
  read_number(reader, "loss.fade_share", settings.fade_share, 0, 1);
  DiscriminatorConfig& discriminators = settings.discriminators;
  discriminators.periods = read_counts(reader, "discriminators.periods", 4096);
  discriminators.windows = read_counts(reader, "discriminators.windows", kMostWindow);
  for (const int64_t window : discriminators.windows)
    require(window >= 8, "discriminators.windows", "8 samples or more were expected");
  read_count(reader, "discriminators.channels", discriminators.channels, 1, 1024);
}

// Every window and period must fit into a segment of sound.
void check_segments(const Settings& settings) {
  int64_t longest = 0;
  for (const StftSize& size : settings.stft_sizes) longest = std::max(longest, size.n_fft);
  for (const int64_t window : settings.discriminators.windows) longest = std::max(longest, window);
  // What is folded by a period is filled up by reflection.
  for (const int64_t period : settings.discriminators.periods) longest = std::max(longest, period);
  longest = std::max(longest, settings.codec.spec_transform.n_fft);
  for (const Stage stage : kStages) {
    const StageSettings& of = settings.of(stage);
    if (of.steps == 0) continue;
    const std::string key = std::string("stages.") + stage_name(stage) + ".";
    const int64_t samples = of.columns * settings.codec.samples_per_column();
    require(samples >= longest, key + "columns",
            std::to_string(of.columns) + " columns are " + std::to_string(samples) +
                " samples, the longest window or period has " + std::to_string(longest));
    // 2^28 samples are 1 GiB for each channel of each layer.
    require(samples <= (int64_t{1} << 28) / of.batch_size, key + "batch_size",
            "a batch of so many columns is more than 2^28 samples");
  }
  const StageSettings& encoder = settings.of(Stage::encoder);
  require(encoder.steps == 0 || encoder.batch_size * encoder.columns >= 2,
          "stages.encoder.batch_size",
          "one segment of one column has no deviation, more were expected");
}

void read_optimizer(Reader& reader, Settings& settings) {
  std::vector<double> betas;
  reader.read("optimizer.betas", betas);
  require(betas.size() == 2 && betas[0] >= 0 && betas[0] < 1 && betas[1] >= 0 && betas[1] < 1,
          "optimizer.betas", "two numbers from 0 to below 1 were expected");
  settings.beta1 = betas[0];
  settings.beta2 = betas[1];
  read_number(reader, "optimizer.weight_decay", settings.weight_decay, 0, 1);
  read_number(reader, "optimizer.clip_norm", settings.clip_norm, 0, 1e9);
  read_count(reader, "optimizer.warmup_steps", settings.warmup_steps, 0, kMostSteps);
  read_number(reader, "optimizer.final_lr_ratio", settings.final_lr_ratio, 0, 1);
}

void read_trainer(Reader& reader, Settings& settings) {
  std::string text;
  reader.read("project", text);
  require(!text.empty(), "project", "a name was expected");
  reader.read("paths.run_dir", text);
  settings.run_folder = text;
  reader.read("paths.ckpt_dir", text);
  settings.checkpoint_folder = text;
  int64_t seed = 0;
  read_count(reader, "seed", seed, 0, std::numeric_limits<int64_t>::max());
  settings.seed = static_cast<uint64_t>(seed);
  if (reader.has("trainer.max_time"))
    read_number(reader, "trainer.max_time", settings.max_minutes, 0, 1e9);
  read_count(reader, "trainer.val_check_interval", settings.val_interval, 1, kMostSteps);
  read_count(reader, "trainer.save_interval", settings.save_interval, 1, kMostSteps);
  read_count(reader, "trainer.save_top_k", settings.save_top_k, 1, 1 << 20);
}

void read_codec(Reader& reader, const config::Node& config, Settings& settings) {
  require(reader.has("codec"), "codec", "is missing");
  settings.codec = codec::parse_config(config::dump_yaml(*config.find("codec")), "codec");
  std::string text;
  if (reader.has("pretrained_codec")) {
    reader.read("pretrained_codec", text);
    settings.begin_with = text;
  }
  reader.read("codec_dtype", text);
  require(text == "f32" || text == "bf16", "codec_dtype", "must be f32 or bf16, found " + text);
  settings.dtype = text == "f32" ? checkpoint::DType::f32 : checkpoint::DType::bf16;
}

}  // namespace

const char* stage_name(Stage stage) {
  constexpr std::array kNames = {"encoder", "generator", "adversarial"};
  return kNames[static_cast<size_t>(stage)];
}

int64_t Settings::total_steps() const {
  int64_t steps = 0;
  for (const StageSettings& stage : stages) steps += stage.steps;
  return steps;
}

int64_t Settings::longest_segment() const {
  int64_t columns = 0;
  for (const StageSettings& stage : stages)
    if (stage.steps > 0) columns = std::max(columns, stage.columns);
  return columns;
}

int64_t Settings::window_columns() const {
  int64_t longest = codec.spec_transform.n_fft;
  for (const StftSize& size : stft_sizes) longest = std::max(longest, size.n_fft);
  return (longest + codec.samples_per_column() - 1) / codec.samples_per_column();
}

ReadSettings read_settings(const config::Node& config) {
  Reader reader(config);
  Settings settings;
  read_trainer(reader, settings);
  read_codec(reader, config, settings);
  read_data(reader, settings.data);
  read_stages(reader, settings);
  read_optimizer(reader, settings);
  read_losses(reader, settings);
  check_segments(settings);
  // parse_config has read every key of the codec, or refused it.
  std::set<std::string> asked = reader.asked();
  for (const auto& [section, keys] : config.find("codec")->get<config::Map>()->entries) {
    if (const auto* map = keys.get<config::Map>())
      for (const auto& [key, unused] : map->entries) asked.insert("codec." + section + "." + key);
  }
  return {std::move(settings), std::move(asked)};
}

}  // namespace koi::codec_train
