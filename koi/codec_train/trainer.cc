#include "koi/codec_train/trainer.h"

#include <algorithm>
#include <cmath>

#include "koi/base/error.h"
#include "koi/codec_train/spectral_loss.h"
#include "koi/train/gradients.h"
#include "koi/train/schedule.h"

namespace koi::codec_train {
namespace {

// How far the inputs of FSQ are from mean 0 and the deviation that spreads their codes, in units of
// that deviation. `projected` [B, T, G n].
at::Tensor spread_loss(const at::Tensor& projected, double deviation) {
  const at::Tensor rows = projected.flatten(0, 1);
  return ((rows.std(0) / deviation - 1).square() + (rows.mean(0) / deviation).square()).mean();
}

}  // namespace

Trainer::Trainer(const Settings& settings, const Recordings& recordings, base::fs::path code_cache,
                 Recordings::Prepared prepared)
    : settings_(settings),
      recordings_(recordings),
      code_cache_(std::move(code_cache)),
      prepared_(std::move(prepared)),
      model_(settings),
      mel_band_hz_(settings.mel_band_hz > 0 ? settings.mel_band_hz : recordings.band_hz()),
      mel_bins_(mel_bins_below(log_mel(), mel_band_hz_)) {
  restart_at({});
}

bool Trainer::is_complete() const {
  return position_.stage_step >= settings_.of(position_.stage).steps;
}

bool Trainer::ends_stage() const { return position_.stage_step == 0 || is_complete(); }

std::optional<Stage> Trainer::next_stage() const {
  for (const Stage stage : kStages)
    if (stage > position_.stage && settings_.of(stage).steps > 0) return stage;
  return std::nullopt;
}

void Trainer::restart_at(const Position& position) {
  position_ = position;
  if (const auto next = next_stage(); is_complete() && next)
    position_ = {.step = position_.step, .stage = *next, .stage_step = 0};
  std::vector<train::Parameter> codec, discriminators;
  model_.visit([&](const std::string& name, at::Tensor& value) {
    const Model::Part part = Model::trained(position_.stage, name);
    value = value.detach().requires_grad_(part == Model::Part::codec);
    if (part == Model::Part::codec) codec.push_back({name, value});
    if (part == Model::Part::discriminators) discriminators.push_back({name, value});
  });
  const train::AdamWOptions options{.lr = settings_.of(position_.stage).lr,
                                    .weight_decay = settings_.weight_decay,
                                    .beta1 = settings_.beta1,
                                    .beta2 = settings_.beta2,
                                    .eps = 1e-8};
  codec_optimizer_ = std::make_unique<train::AdamW>(std::move(codec), options);
  discriminator_optimizer_.reset();
  if (!discriminators.empty())
    discriminator_optimizer_ = std::make_unique<train::AdamW>(std::move(discriminators), options);
  codes_.reset();
}

Values Trainer::step() {
  const Batch batch = next_batch();
  Values values;
  switch (position_.stage) {
    case Stage::encoder:
      values = encoder_step(batch);
      break;
    case Stage::generator:
      values = generator_step(batch);
      break;
    case Stage::adversarial:
      values = adversarial_step(batch);
      break;
  }
  values.emplace_back("lr", rate());
  ++position_.step;
  ++position_.stage_step;
  if (is_complete() && next_stage()) restart_at(position_);
  return values;
}

Trainer::Batch Trainer::next_batch() {
  const StageSettings& stage = settings_.of(position_.stage);
  Batch batch;
  batch.places = recordings_.draw({settings_.seed, position_.stage, position_.stage_step},
                                  stage.batch_size, stage.columns);
  if (position_.stage == Stage::encoder) {
    if (position_.step == 0) {
      const at::Tensor mel = mels(batch.places, stage.columns);
      if (!settings_.begin_with) model_.spread_inputs(mel, settings_.input_deviation);
      model_.center_readout(mel);
    }
    return batch;
  }
  if (!codes_)
    codes_.emplace(model_.codec, recordings_,
                   CodeStore::Options{.least_columns = settings_.longest_segment(),
                                      .cache = code_cache_,
                                      .prepared = prepared_});
  batch.codes = codes_->at(batch.places, stage.columns);
  return batch;
}

double Trainer::rate() const {
  const StageSettings& stage = settings_.of(position_.stage);
  const train::Schedule schedule{.kind = train::ScheduleKind::cosine,
                                 .warmup_steps = static_cast<double>(settings_.warmup_steps),
                                 .training_steps = stage.steps,
                                 .final_ratio = settings_.final_lr_ratio};
  return stage.lr * schedule.factor(position_.stage_step + 1);
}

double Trainer::fade() const {
  const double until =
      settings_.fade_share * static_cast<double>(settings_.of(Stage::encoder).steps);
  return until <= 0 ? 1 : std::min(1.0, static_cast<double>(position_.stage_step) / until);
}

at::Tensor Trainer::sound(const std::vector<Place>& places, int64_t before, int64_t samples) const {
  const at::Tensor sound = at::empty({static_cast<int64_t>(places.size()), samples});
  auto* row = sound.mutable_data_ptr<float>();
  for (const Place& place : places) {
    const int64_t begin = place.column * settings_.codec.samples_per_column();
    recordings_.read(recordings_.training()[place.recording], begin - before,
                     {row, static_cast<size_t>(samples)});
    row += samples;
  }
  return sound;
}

at::Tensor Trainer::waves(const std::vector<Place>& places, int64_t columns) const {
  return sound(places, 0, columns * settings_.codec.samples_per_column()).unsqueeze(1);
}

at::Tensor Trainer::mels(const std::vector<Place>& places, int64_t columns) const {
  const int64_t hop = settings_.codec.spec_transform.hop_length;
  // Whole frames beyond either end, so that what a spectrogram reflects there is left out.
  const int64_t margin = (log_mel().min_samples() + hop - 1) / hop;
  const int64_t frames = columns * settings_.codec.frames_per_column();
  return log_mel()
      .forward(sound(places, margin * hop, (frames + 2 * margin) * hop))
      .narrow(2, margin, frames)
      .contiguous();
}

Values Trainer::encoder_step(const Batch& batch) {
  const at::Tensor truth = mels(batch.places, settings_.of(Stage::encoder).columns);
  const Model::Heard heard = model_.hear(truth, fade());
  const at::Tensor mel = mel_loss(heard.mel, truth, mel_bins_);
  const at::Tensor spread = spread_loss(heard.projected, settings_.input_deviation);
  const at::Tensor loss = mel + settings_.deviation_weight * spread;
  const double norm = update(loss, *codec_optimizer_);
  return {{"loss", loss.item<double>()},
          {"mel", mel.item<double>()},
          {"spread", spread.item<double>()},
          {"grad_norm", norm}};
}

Trainer::Spoken Trainer::speak(const Batch& batch) const {
  Spoken spoken;
  spoken.sound = model_.speak(batch.codes);
  spoken.truth = waves(batch.places, settings_.of(position_.stage).columns);
  const at::Tensor guess = spoken.sound.squeeze(1), truth = spoken.truth.squeeze(1);
  spoken.mel = mel_loss(log_mel().forward(guess), log_mel().forward(truth), mel_bins_);
  spoken.stft = stft_loss(guess, truth, settings_.stft_sizes);
  return spoken;
}

Values Trainer::generator_step(const Batch& batch) {
  const Spoken spoken = speak(batch);
  const at::Tensor loss = settings_.mel_weight * spoken.mel + settings_.stft_weight * spoken.stft;
  const double norm = update(loss, *codec_optimizer_);
  return {{"loss", loss.item<double>()},
          {"mel", spoken.mel.item<double>()},
          {"stft", spoken.stft.item<double>()},
          {"grad_norm", norm}};
}

Values Trainer::adversarial_step(const Batch& batch) {
  const Spoken spoken = speak(batch);
  for (const train::Parameter& parameter : discriminator_optimizer_->parameters())
    at::Tensor(parameter.value).requires_grad_(true);
  const std::vector<Judgement> real = model_.discriminators.forward(spoken.truth);
  const at::Tensor lost =
      discriminator_loss(real, model_.discriminators.forward(spoken.sound.detach()));
  update(lost, *discriminator_optimizer_);
  for (const train::Parameter& parameter : discriminator_optimizer_->parameters())
    at::Tensor(parameter.value).requires_grad_(false);

  // The features of the recordings are those from before the update: they cost no second pass.
  const std::vector<Judgement> fake = model_.discriminators.forward(spoken.sound);
  const at::Tensor adversarial = adversarial_loss(fake), feature = feature_loss(real, fake);
  const at::Tensor loss = settings_.mel_weight * spoken.mel + settings_.stft_weight * spoken.stft +
                          settings_.adversarial_weight * adversarial +
                          settings_.feature_weight * feature;
  const double norm = update(loss, *codec_optimizer_);
  return {{"loss", loss.item<double>()},
          {"mel", spoken.mel.item<double>()},
          {"stft", spoken.stft.item<double>()},
          {"adversarial", adversarial.item<double>()},
          {"feature", feature.item<double>()},
          {"discriminator", lost.item<double>()},
          {"grad_norm", norm}};
}

double Trainer::update(const at::Tensor& loss, train::AdamW& optimizer) {
  check_finite(loss, "loss");
  loss.backward();
  const std::vector<at::Tensor> gradients = optimizer.gradients();
  const at::Tensor norm = train::grad_norm(gradients, 2);
  check_finite(norm, "gradient");
  if (settings_.clip_norm > 0) train::clip_gradients(gradients, norm, settings_.clip_norm);
  optimizer.step(rate());
  optimizer.clear_gradients();
  return norm.item<double>();
}

void Trainer::check_finite(const at::Tensor& value, const char* what) const {
  if (std::isfinite(value.item<double>())) return;
  throw Error(ErrorKind::config, "step " + std::to_string(position_.step + 1),
              std::string("the ") + what + " is no finite number",
              std::string("lower stages.") + stage_name(position_.stage) + ".lr and go on");
}

}  // namespace koi::codec_train
