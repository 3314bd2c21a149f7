#include "koi/codec_train/validation.h"

#include <algorithm>
#include <cmath>

#include "koi/audio/audio_file.h"
#include "koi/codec_train/spectral_loss.h"

namespace koi::codec_train {
namespace {

constexpr int64_t kUsageColumns = 4096;
constexpr int64_t kLongest = 1024;  // columns of one recording that are looked at

// The beginning of a recording, however long it is.
Recording beginning(Recording recording, int64_t per_column) {
  recording.columns = std::min(recording.columns, kLongest);
  recording.samples = std::min(recording.samples, recording.columns * per_column);
  return recording;
}

at::Tensor wave_of(const Recordings& recordings, const Recording& recording, int64_t samples) {
  const at::Tensor wave = at::empty({1, samples});
  recordings.read(recording, 0, {wave.mutable_data_ptr<float>(), static_cast<size_t>(samples)});
  return wave;
}

// The codec packs its weights when it is first used; they have changed since.
const codec::Firefly& renewed(Model& model) {
  model.codec.visit([](const std::string&, at::Tensor&) {});
  return model.codec;
}

}  // namespace

CodeUsage count_usage(const at::Tensor& codes, int64_t codebook_size) {
  const at::Tensor counts = at::bincount(codes.flatten(), {}, codebook_size).to(at::kDouble);
  const at::Tensor shares = counts / counts.sum().clamp_min(1);
  const double entropy = -(shares * shares.clamp_min(1e-30).log2()).sum().item<double>();
  return {counts.gt(0).sum().item<int64_t>(), std::exp2(entropy)};
}

Validation validate(Trainer& trainer, Stage stage, const Settings& settings,
                    const Recordings& recordings) {
  const at::NoGradGuard no_grad;
  const codec::Firefly& codec = renewed(trainer.model());
  const bool speaks = stage != Stage::encoder;
  double mel = 0, stft = 0, weight = 0;
  std::vector<at::Tensor> codes;
  int64_t columns = 0;
  for (const Recording& whole : recordings.held_out()) {
    const Recording recording = beginning(whole, settings.codec.samples_per_column());
    const int64_t samples = recording.columns * settings.codec.samples_per_column();
    const at::Tensor wave = wave_of(recordings, recording, samples);
    const at::Tensor truth = trainer.log_mel().forward(wave);
    codes.push_back(encode_recording(codec, recordings, recording));
    columns += recording.columns;
    const auto share = static_cast<double>(recording.columns);
    weight += share;
    if (speaks) {
      const at::Tensor sound = codec.decode(codes.back(), {recording.columns}).squeeze(1);
      mel += share *
             mel_loss(trainer.log_mel().forward(sound), truth, trainer.mel_bins()).item<double>();
      stft += share * stft_loss(sound, wave, settings.stft_sizes).item<double>();
    } else {
      mel += share *
             mel_loss(trainer.model().hear(truth, 1).mel, truth, trainer.mel_bins()).item<double>();
    }
  }
  for (const Recording& whole : recordings.training()) {
    if (columns >= kUsageColumns) break;
    const Recording recording = beginning(whole, settings.codec.samples_per_column());
    codes.push_back(encode_recording(codec, recordings, recording));
    columns += recording.columns;
  }
  Validation validation;
  if (weight > 0) validation.values.emplace_back("mel", mel / weight);
  if (weight > 0 && speaks) validation.values.emplace_back("stft", stft / weight);
  const at::Tensor all = at::cat(codes, 2);
  for (int64_t k = 0; k < all.size(1); ++k)
    validation.usage.push_back(count_usage(all.select(1, k), settings.codec.codebook_size()));
  return validation;
}

void write_sample(Trainer& trainer, const Recordings& recordings, const SamplePaths& paths) {
  if (recordings.held_out().empty()) return;
  const codec::Firefly& codec = renewed(trainer.model());
  const Recording recording =
      beginning(recordings.held_out().front(), codec.config().samples_per_column());
  const auto rate = static_cast<int>(codec.config().spec_transform.sample_rate);
  const at::Tensor sound =
      codec.decode(encode_recording(codec, recordings, recording), {recording.columns});
  const auto write = [rate](const base::fs::path& path, const at::Tensor& wave) {
    audio::write_wav_pcm16(path, {wave.const_data_ptr<float>(), static_cast<size_t>(wave.numel())},
                           rate);
  };
  base::make_folder(paths.wav.parent_path());
  write(paths.wav, sound);
  write(paths.original, wave_of(recordings, recording, recording.samples));
}

}  // namespace koi::codec_train
