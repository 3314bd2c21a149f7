// TensorBoard's event files: scalars by step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "koi/base/append_file.h"

namespace koi::train {

struct Scalar {
  std::string tag;  // "train/loss"
  double value = 0;
};

// Layout, as TensorFlow's TFRecordWriter has it: each event (event.proto) between the length of its
// message as uint64 with the masked CRC-32C of these 8 bytes, and the masked CRC-32C of the
// message. Mask: rotated right by 15 bits, plus 0xa282ead8. The first event names the version,
// brain.Event:2.
class EventFile {
 public:
  // Begins events.out.tfevents.SECONDS.HOST in `folder`, which is made where it is missing, named
  // so that it comes after those that are there. Of these TensorBoard no longer shows `first_step`
  // and what follows. Throws Error(io).
  EventFile(const base::fs::path& folder, int64_t first_step);

  void add(int64_t step, const std::vector<Scalar>& scalars);  // in the file when it returns

  const base::fs::path& path() const { return path_; }

 private:
  base::fs::path path_;
  base::AppendFile file_;
};

}  // namespace koi::train
