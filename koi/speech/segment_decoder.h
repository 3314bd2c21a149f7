// Sound out of segments that are still being spoken.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "koi/codec/decode_stream.h"
#include "koi/speech/long_text.h"

namespace koi::speech {

// Decodes the segments one behind the other, as they were one sequence of codes.
class SegmentDecoder {
 public:
  // `codec` has to stay. `on_samples` (may be empty) is handed what is new.
  SegmentDecoder(const codec::Firefly& codec,
                 std::function<void(std::span<const float> samples)> on_samples);

  // A new frame of codes of segment number `segment`. Frames of a segment whose turn it is not yet
  // are left for finish().
  void add(size_t segment, std::span<const int32_t> codes);
  // Decodes what add() has not of the next segment, which is whole.
  void finish(const Segment& segment);

  std::vector<float> take_samples() { return std::move(samples_); }  // all of them

 private:
  void decode(const checkpoint::Codes& codes, int64_t first, int64_t last);

  codec::DecodeStream stream_;
  std::function<void(std::span<const float>)> on_samples_;
  std::vector<float> samples_;
  size_t segment_ = 0;            // whose turn it is
  int64_t decoded_ = 0;           // columns of it
  std::vector<int32_t> waiting_;  // those behind, [columns, K]
  int64_t columns_at_once_;
};

}  // namespace koi::speech
