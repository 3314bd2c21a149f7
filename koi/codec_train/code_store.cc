#include "koi/codec_train/code_store.h"

#include <algorithm>
#include <cstring>

#include "koi/base/blob_cache.h"
#include "koi/base/error.h"
#include "koi/base/hash.h"
#include "koi/base/interrupt.h"
#include "koi/checkpoint/tensor_view.h"
#include "koi/codec_train/model.h"
#include "koi/tensor/bridge.h"

namespace koi::codec_train {
namespace {

// The recordings as they are encoded.
std::vector<Recording> filled_up(std::vector<Recording> recordings, int64_t least_columns) {
  for (Recording& recording : recordings)
    recording.columns = std::max(recording.columns, least_columns);
  return recordings;
}

// Of what the codes depend on.
std::string key_of(codec::Firefly& codec, const std::string& recordings_key,
                   const std::vector<Recording>& recordings) {
  std::string text = "3 " + recordings_key + codec::config_yaml(codec.config());
  for (const Recording& recording : recordings) text += ' ' + std::to_string(recording.columns);
  codec.visit([&](const std::string& name, at::Tensor& value) {
    if (!decodes(name)) text += base::sha256_hex(tensor::to_view(value.detach()).bytes());
  });
  return text;
}

}  // namespace

at::Tensor encode_recording(const codec::Firefly& codec, const Recordings& recordings,
                            const Recording& recording) {
  const int64_t samples = recording.columns * codec.config().samples_per_column();
  const at::Tensor wave = at::empty({1, 1, samples});
  recordings.read(recording, 0,
                  {wave.mutable_data_ptr<float>(), static_cast<size_t>(wave.numel())});
  return codec.encode(wave, {samples}).codes;
}

CodeStore::CodeStore(codec::Firefly& codec, const Recordings& recordings, const Options& options) {
  const auto training = filled_up(recordings.training(), options.least_columns);
  int64_t columns = 0;
  for (const Recording& recording : training) {
    first_.push_back(columns);
    columns += recording.columns;
  }
  codes_ = at::empty({codec.config().codebooks(), columns}, at::kInt);
  const auto bytes = static_cast<size_t>(codes_.numel()) * sizeof(int32_t);
  const base::BlobCache kept(options.cache, bytes + (1 << 20));
  const std::string key = key_of(codec, recordings.key(), training);
  if (const auto blob = kept.load(key); blob && blob->size() == bytes) {
    std::memcpy(codes_.mutable_data_ptr<int32_t>(), blob->data(), bytes);
    return;
  }
  for (size_t i = 0; i < training.size(); ++i) {
    if (base::stop_requested())
      throw base::Interrupted("codes", "the recordings were not all encoded",
                              "the same command goes on with them");
    codes_.narrow(1, first_[i], training[i].columns)
        .copy_(encode_recording(codec, recordings, training[i])[0]);
    if (options.prepared) options.prepared(i + 1, training.size());
  }
  kept.keep(key, {reinterpret_cast<const char*>(codes_.const_data_ptr<int32_t>()), bytes});
}

at::Tensor CodeStore::at(const std::vector<Place>& places, int64_t columns) const {
  std::vector<at::Tensor> rows;
  for (const Place& place : places)
    rows.push_back(codes_.narrow(1, first_[place.recording] + place.column, columns));
  return at::stack(rows).to(at::kLong);
}

}  // namespace koi::codec_train
