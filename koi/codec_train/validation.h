// How a codec does on recordings that are never trained on.
#pragma once

#include <vector>

#include "koi/base/files.h"
#include "koi/codec_train/trainer.h"

namespace koi::codec_train {

// Codes that a group of the quantizer uses, in a few minutes of sound.
struct CodeUsage {
  int64_t distinct = 0;
  // 2 to the power of their entropy in bits: as many codes of equal frequency would say as much.
  double perplexity = 0;
};

struct Validation {
  // Means over the recordings, weighted by their length: "mel" (mean difference of the log-mel
  // spectrograms below the band's end; in the encoder's stage of what the read-out hears in the
  // codes), and behind that stage "stft".
  Values values;
  std::vector<CodeUsage> usage;  // one a codebook
};

// All held-out recordings, the first 1024 columns of each, through encode and decode as `koi codec`
// does it, or through the read-out where `stage` is the encoder's; the usage over them and over
// recordings of the training, 4096 columns in all.
Validation validate(Trainer& trainer, Stage stage, const Settings& settings,
                    const Recordings& recordings);

// A held-out recording spoken by the codec as it is, into `wav`; the recording as it was goes
// into `original`. Throws Error(io).
struct SamplePaths {
  base::fs::path wav, original;
};
void write_sample(Trainer& trainer, const Recordings& recordings, const SamplePaths& paths);

CodeUsage count_usage(const at::Tensor& codes, int64_t codebook_size);  // int64, any shape

}  // namespace koi::codec_train
