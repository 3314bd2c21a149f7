// The codes of all recordings that are trained on: the generator's stages learn from them alone.
#pragma once

#include <functional>
#include <vector>

#include "koi/base/files.h"
#include "koi/codec/firefly.h"
#include "koi/codec_train/recordings.h"

namespace koi::codec_train {

class CodeStore {
 public:
  struct Options {
    int64_t least_columns = 1;  // shorter recordings are filled up with silence
    base::fs::path cache;
    Recordings::Prepared prepared = {};  // see Recordings
  };
  // Encodes the recordings with the codec as it is, or takes what an earlier call kept in the cache
  // for the same recordings and weights that encode. Throws base::Interrupted.
  CodeStore(codec::Firefly& codec, const Recordings& recordings, const Options& options);

  // int64 [B, K, columns] of the segments.
  at::Tensor at(const std::vector<Place>& places, int64_t columns) const;

 private:
  at::Tensor codes_;            // int32 [K, columns of all]
  std::vector<int64_t> first_;  // column of each recording
};

// What the codec makes of a whole recording: int64 [1, K, its columns].
at::Tensor encode_recording(const codec::Firefly& codec, const Recordings& recordings,
                            const Recording& recording);

}  // namespace koi::codec_train
