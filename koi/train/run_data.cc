#include "koi/train/run_data.h"

#include "koi/base/random.h"

namespace koi::train {
namespace {

dataset::DatasetOptions dataset_options(const DatasetSettings& settings, int64_t num_codebooks) {
  dataset::DatasetOptions options;
  options.proto_files = settings.proto_files;
  options.seed = settings.seed;
  options.sampler.max_length = settings.max_length;
  options.sampler.causal = settings.causal;
  options.sampler.use_speaker = settings.use_speaker;
  options.sampler.interactive_prob = settings.interactive_prob;
  options.sampler.skip_text_prob = settings.skip_text_prob;
  options.sampler.num_codebooks = num_codebooks;
  return options;
}

uint64_t loader_seed(const Settings& settings, Stream stream) {
  base::TorchRandom torch(settings.seed);
  const int64_t of_training = torch.integer();
  return static_cast<uint64_t>(stream == Stream::train_data ? of_training : torch.integer());
}

}  // namespace

uint64_t stream_seed(const Settings& settings, Stream stream) {
  constexpr uint64_t kStride = 0x9E3779B97F4A7C15;  // the golden ratio: far apart for near seeds
  return settings.seed + static_cast<uint64_t>(stream) * kStride;
}

uint64_t step_seed(const Settings& settings, const StepPlace& place) {
  // SplitMix64's mixing, which sets neighbouring numbers far apart.
  // Source: Steele, Lea and Flood 2014.
  const auto mix = [](uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
  };
  return mix(mix(stream_seed(settings, Stream::dropout) + place.step) + place.rank);
}

dataset::BatchSourceOptions data_options(const Settings& settings, Stream stream,
                                         int64_t num_codebooks) {
  const MixtureSettings& data =
      stream == Stream::train_data ? settings.train_data : settings.val_data;
  dataset::BatchSourceOptions options;
  for (const DatasetSettings& dataset : data.datasets)
    options.datasets.push_back(dataset_options(dataset, num_codebooks));
  options.probabilities = data.probabilities;
  options.seed = stream_seed(settings, stream);
  options.batch_size = settings.batch_size;
  options.max_length = settings.max_length;
  if (settings.reference_sampling) {
    options.reference = {.num_workers = settings.num_workers,
                         .base_seed = loader_seed(settings, stream),
                         .picks_seed = data.seed};
  }
  return options;
}

}  // namespace koi::train
