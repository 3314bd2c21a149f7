#include "koi/speech/segment_decoder.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "koi/base/interrupt.h"
#include "koi/tensor/device.h"

namespace koi::speech {
namespace {

// Columns of 46 ms: few, so that the first sound comes soon; then more, which costs less each.
constexpr int64_t kFirstColumns = 4, kColumns = 8, kMostColumns = 32;

size_t half_of_the_cores() { return (tensor::thread_count() + 1) / 2; }

}  // namespace

SegmentDecoder::SegmentDecoder(const codec::Firefly& codec,
                               std::function<void(std::span<const float>)> on_samples)
    : stream_(codec, half_of_the_cores()),
      on_samples_(std::move(on_samples)),
      columns_at_once_(kFirstColumns),
      thread_([this] { work(); }) {}

SegmentDecoder::~SegmentDecoder() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    blocks_.clear();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SegmentDecoder::add(size_t segment, std::span<const int32_t> codes) {
  rethrow();
  if (segment != segment_) return;
  waiting_.insert(waiting_.end(), codes.begin(), codes.end());
  const int64_t rows = std::ssize(codes), columns = std::ssize(waiting_) / rows;
  if (columns < columns_at_once_) return;
  checkpoint::Codes block{rows, columns, {}};
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t t = 0; t < columns; ++t)
      block.values.push_back(waiting_[static_cast<size_t>(t * rows + k)]);
  hand_over(std::move(block));
  handed_over_ += columns;
  waiting_.clear();
  columns_at_once_ = kColumns;
}

void SegmentDecoder::finish(const Segment& segment) {
  rethrow();
  const checkpoint::Codes& codes = segment.codes.codes;
  for (int64_t first = handed_over_; first < codes.frames; first += kMostColumns) {
    checkpoint::Codes block{codes.codebooks, std::min(kMostColumns, codes.frames - first), {}};
    for (int64_t k = 0; k < codes.codebooks; ++k) {
      const auto from = codes.values.begin() + k * codes.frames + first;
      block.values.insert(block.values.end(), from, from + block.frames);
    }
    hand_over(std::move(block));
  }
  segment_ += 1;
  handed_over_ = 0;
  waiting_.clear();
}

std::vector<float> SegmentDecoder::samples() {
  std::unique_lock lock(mutex_);
  complete_ = true;
  // Looks for a stop now and then.
  while (!changed_.wait_for(lock, std::chrono::milliseconds(50),
                            [&] { return failure_ || (blocks_.empty() && !busy_); })) {
    if (base::stop_requested()) {
      throw base::Interrupted("speech", "given up before its codes became sound",
                              "the same command begins anew");
    }
  }
  ending_ = true;
  lock.unlock();
  changed_.notify_all();
  thread_.join();
  rethrow();
  return std::move(samples_);
}

void SegmentDecoder::rethrow() {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

void SegmentDecoder::hand_over(checkpoint::Codes codes) {
  {
    const std::lock_guard lock(mutex_);
    blocks_.push_back(std::move(codes));
  }
  changed_.notify_all();
}

void SegmentDecoder::work() {
  const c10::InferenceMode no_gradients;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ending_ || !blocks_.empty(); });
    if (blocks_.empty()) return;
    const checkpoint::Codes block = std::move(blocks_.front());
    blocks_.pop_front();
    busy_ = true;
    const size_t threads = complete_ ? tensor::thread_count() : half_of_the_cores();
    lock.unlock();
    try {
      stream_.set_threads(threads);
      const at::Tensor codes = at::tensor(at::ArrayRef<int32_t>(block.values), at::kLong)
                                   .view({block.codebooks, block.frames});
      const std::vector<float> samples = stream_.push(codes);
      samples_.insert(samples_.end(), samples.begin(), samples.end());
      if (on_samples_) on_samples_(samples);
    } catch (...) {
      lock.lock();
      failure_ = std::current_exception();
      busy_ = false;
      changed_.notify_all();
      return;
    }
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace koi::speech
