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
  // Encodes the recordings with the codec as it is, or takes what an earlier call kept in `cache`
  // for the same recordings and weights. `codec`'s weights must not be changed any more.
  // `prepared` as Recordings'. Throws base::Interrupted.
  CodeStore(codec::Firefly& codec, const Recordings& recordings, const base::fs::path& cache,
            const Recordings::Prepared& prepared);

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
