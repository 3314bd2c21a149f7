#include "koi/speech/segment_decoder.h"

#include <algorithm>
#include <utility>

#include "koi/base/interrupt.h"

namespace koi::speech {
namespace {

// Columns of 46 ms: few, so that the first sound comes soon; then more, which costs less each.
constexpr int64_t kFirstColumns = 4, kColumns = 8, kMostColumns = 64;

}  // namespace

SegmentDecoder::SegmentDecoder(const codec::Firefly& codec,
                               std::function<void(std::span<const float>)> on_samples)
    : stream_(codec), on_samples_(std::move(on_samples)), columns_at_once_(kFirstColumns) {}

void SegmentDecoder::add(size_t segment, std::span<const int32_t> codes) {
  if (segment != segment_) return;
  waiting_.insert(waiting_.end(), codes.begin(), codes.end());
  const int64_t rows = std::ssize(codes), columns = std::ssize(waiting_) / rows;
  if (columns < columns_at_once_) return;
  checkpoint::Codes block{rows, columns, {}};
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t t = 0; t < columns; ++t)
      block.values.push_back(waiting_[static_cast<size_t>(t * rows + k)]);
  decode(block, 0, columns);
  decoded_ += columns;
  waiting_.clear();
  columns_at_once_ = kColumns;
}

void SegmentDecoder::finish(const Segment& segment) {
  decode(segment.codes.codes, decoded_, segment.codes.codes.frames);
  segment_ += 1;
  decoded_ = 0;
  waiting_.clear();
}

// Columns first .. last - 1.
void SegmentDecoder::decode(const checkpoint::Codes& codes, int64_t first, int64_t last) {
  const c10::InferenceMode no_gradients;
  const at::Tensor all = at::tensor(at::ArrayRef<int32_t>(codes.values), at::kLong)
                             .view({codes.codebooks, codes.frames});
  for (; first < last; first += kMostColumns) {
    if (base::stop_requested()) {
      throw base::Interrupted("speech", "given up before its codes became sound",
                              "the same command begins anew");
    }
    const std::vector<float> samples =
        stream_.push(all.slice(1, first, std::min(first + kMostColumns, last)));
    samples_.insert(samples_.end(), samples.begin(), samples.end());
    if (on_samples_) on_samples_(samples);
  }
}

}  // namespace koi::speech
