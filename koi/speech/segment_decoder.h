// Sound out of segments that are still being spoken.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "koi/codec/decode_stream.h"
#include "koi/speech/long_text.h"

namespace koi::speech {

// Decodes the segments one behind the other, as they were one sequence of codes, in a thread of its
// own that takes half of the cores, all once nothing more is to come: decoding is arithmetic, a
// frame waits for memory, and both together take less time than one behind the other.
class SegmentDecoder {
 public:
  // `codec` has to stay. `on_samples` (may be empty) is handed what is new, in that thread. What it
  // throws is thrown by the next call of add(), finish() or samples().
  SegmentDecoder(const codec::Firefly& codec,
                 std::function<void(std::span<const float> samples)> on_samples);
  ~SegmentDecoder();  // gives up what is not decoded yet
  SegmentDecoder(const SegmentDecoder&) = delete;
  SegmentDecoder& operator=(const SegmentDecoder&) = delete;

  // A new frame of codes of segment number `segment`. Frames of a segment whose turn it is not yet
  // are left for finish().
  void add(size_t segment, std::span<const int32_t> codes);
  // What add() was not given of the next segment, which is whole.
  void finish(const Segment& segment);

  // Waits until all is decoded. Throws base::Interrupted when base::stop_requested().
  std::vector<float> samples();

  // True while it decodes.
  const std::atomic<bool>& busy() const { return busy_; }

 private:
  void hand_over(checkpoint::Codes codes);
  void work();
  void rethrow();

  codec::DecodeStream stream_;
  std::function<void(std::span<const float>)> on_samples_;
  size_t segment_ = 0;            // whose turn it is
  int64_t handed_over_ = 0;       // columns of it
  std::vector<int32_t> waiting_;  // those behind, [columns, K]
  int64_t columns_at_once_;

  std::mutex mutex_;  // of the next five
  std::condition_variable changed_;
  std::deque<checkpoint::Codes> blocks_;
  bool complete_ = false;  // nothing more is handed over
  bool ending_ = false;
  std::exception_ptr failure_;
  std::vector<float> samples_;  // the thread's, until it has ended
  std::atomic<bool> busy_ = false;
  std::thread thread_;
};

}  // namespace koi::speech
