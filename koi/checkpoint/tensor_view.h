// A tensor as it lies in a file: no copy, no libtorch. The bytes live as long as `owner` (a mapped
// file, a buffer).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "koi/checkpoint/dtype.h"

namespace koi::checkpoint {

struct TensorView {
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  // in elements; row-major where the writer stored it so
  std::string_view storage;      // all bytes of the storage
  int64_t storage_offset = 0;    // of element 0, in elements
  std::shared_ptr<const void> owner;

  int64_t numel() const;
  bool is_contiguous() const;
  // The elements' bytes in C order. Throws Error(internal) unless contiguous.
  std::string_view bytes() const;
};

// A contiguous view of `bytes` (which must hold exactly the elements).
TensorView contiguous_view(DType dtype, std::vector<int64_t> shape, std::string_view bytes,
                           std::shared_ptr<const void> owner);

// Throws Error(corrupt, where) where a dimension or a stride is negative, there are more than 64
// dimensions, the product overflows, an element lies outside of the storage, or there are more
// elements than the storage holds (so that a small file cannot ask for much memory). Differs:
// torch loads tensors that repeat elements (expand); no checkpoint of a model holds one.
void check_bounds(const TensorView& view, std::string_view where);

// The elements' bytes in C order, whatever the strides. The view must have passed check_bounds.
std::string gather(const TensorView& view);

std::string shape_text(const std::vector<int64_t>& shape);  // "[2, 3]"

// Row-major strides of a shape.
std::vector<int64_t> row_major_strides(const std::vector<int64_t>& shape);

// Names and tensors in the file's order.
using StateDict = std::vector<std::pair<std::string, TensorView>>;

const TensorView* find(const StateDict& state, std::string_view name);  // null where absent

}  // namespace koi::checkpoint
