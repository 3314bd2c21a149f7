// A training of a very small codec on a few seconds of made-up sound.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "koi/audio/audio_file.h"
#include "koi/base/random.h"
#include "koi/codec_train/settings.h"
#include "koi/config/compose.h"
#include "koi/config/interpolation.h"
#include "tests/support/temp_dir.h"

namespace koi::test {

// A tone that glides and trembles, no two seeds alike, with some noise.
inline std::vector<float> gliding_tone(uint64_t seed, double seconds, int rate_hz) {
  base::PythonRandom random(seed);
  const double low = 100 + 300 * random.random(), glide = 0.5 + random.random();
  std::vector<float> wave(static_cast<size_t>(seconds * rate_hz));
  double phase = 0;
  for (size_t i = 0; i < wave.size(); ++i) {
    const double t = static_cast<double>(i) / rate_hz;
    phase += low * (1 + glide * std::sin(3 * t)) / rate_hz;
    wave[i] = static_cast<float>((0.3 + 0.2 * std::sin(17 * t)) * std::sin(6.2831853 * phase) +
                                 0.02 * (random.random() - 0.5));
  }
  return wave;
}

// `count` recordings NAME00.wav ... of 1 to 2 s.
inline void write_recordings(const base::fs::path& folder, int count, int rate_hz = 8000) {
  base::make_folder(folder);
  for (int i = 0; i < count; ++i) {
    const std::string name = "tone" + std::to_string(10 + i) + ".wav";
    audio::write_wav_pcm16(folder / name,
                           gliding_tone(static_cast<uint64_t>(i), 1 + 0.1 * (i % 10), rate_hz),
                           rate_hz);
  }
}

// As words of the command line: codes of 5 x 5 in 4 groups, 256 samples a column at 8 kHz.
inline std::vector<std::string> small_codec_overrides() {
  return {"codec.spec_transform.sample_rate=8000",
          "codec.spec_transform.n_mels=20",
          "codec.spec_transform.n_fft=256",
          "codec.spec_transform.win_length=256",
          "codec.spec_transform.hop_length=64",
          "codec.backbone.input_channels=20",
          "codec.backbone.depths=[1,1]",
          "codec.backbone.dims=[16,16]",
          "codec.head.hop_length=64",
          "codec.head.num_mels=16",
          "codec.head.upsample_rates=[8,8]",
          "codec.head.upsample_kernel_sizes=[16,16]",
          "codec.head.resblock_kernel_sizes=[3]",
          "codec.head.resblock_dilation_sizes=[[1,3]]",
          "codec.head.upsample_initial_channel=16",
          "codec.quantizer.input_dim=16",
          "codec.quantizer.n_groups=4",
          "codec.quantizer.levels=[5,5]",
          "stages.encoder.steps=6",
          "stages.encoder.batch_size=4",
          "stages.encoder.columns=4",
          "stages.generator.steps=6",
          "stages.generator.batch_size=4",
          "stages.generator.columns=4",
          "stages.adversarial.steps=4",
          "stages.adversarial.batch_size=2",
          "stages.adversarial.columns=4",
          "optimizer.warmup_steps=2",
          "loss.stft_windows=[64,256]",
          "discriminators.periods=[2,3]",
          "discriminators.windows=[128]",
          "discriminators.channels=4",
          "trainer.val_check_interval=5",
          "trainer.save_interval=5"};
}

// What the command reads, with more overrides behind them.
inline codec_train::Settings small_codec_settings(const base::fs::path& at,
                                                  const std::vector<std::string>& more = {}) {
  std::vector<std::string> words = small_codec_overrides();
  words.push_back("data.recordings='" + (at / "recordings").string() + "'");
  words.push_back("paths.run_dir='" + (at / "run").string() + "'");
  words.insert(words.end(), more.begin(), more.end());
  return codec_train::read_settings(config::resolve(config::compose("codec_train", words).config))
      .settings;
}

}  // namespace koi::test
