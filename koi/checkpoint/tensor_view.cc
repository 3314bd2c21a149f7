#include "koi/checkpoint/tensor_view.h"

#include <algorithm>

#include "koi/base/error.h"

namespace koi::checkpoint {
namespace {

constexpr size_t kMaxDimensions = 64;

[[noreturn]] void refuse(std::string_view where, const std::string& what) {
  throw Error(ErrorKind::corrupt, where, what);
}

// The product of a shape without negative dimensions; Error(corrupt) where it does not fit, zeros
// left out (so that row-major strides fit too).
int64_t checked_numel(const std::vector<int64_t>& shape, std::string_view where) {
  int64_t product = 1;
  bool empty = false;
  for (const int64_t dimension : shape) {
    empty = empty || dimension == 0;
    if (__builtin_mul_overflow(product, std::max<int64_t>(dimension, 1), &product))
      refuse(where, "the shape " + shape_text(shape) + " has too many elements");
  }
  return empty ? 0 : product;
}

// The index of the last element, in elements of the storage; Error(corrupt) where it does not fit.
int64_t last_element(const TensorView& view, std::string_view where) {
  int64_t last = view.storage_offset;
  for (size_t i = 0; i < view.shape.size(); ++i) {
    int64_t step = 0;
    if (__builtin_mul_overflow(view.shape[i] - 1, view.strides[i], &step) ||
        __builtin_add_overflow(last, step, &last))
      refuse(where, "the strides of the tensor " + shape_text(view.shape) + " are too large");
  }
  return last;
}

}  // namespace

int64_t TensorView::numel() const {
  int64_t product = 1;
  for (const int64_t dimension : shape) product *= dimension;
  return product;
}

bool TensorView::is_contiguous() const {
  if (numel() == 0) return true;
  int64_t expected = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

std::string_view TensorView::bytes() const {
  if (!is_contiguous())
    throw Error(ErrorKind::internal, "tensor " + shape_text(shape), "is not contiguous");
  if (numel() == 0) return {};
  const size_t element = size_of(dtype);
  return storage.substr(static_cast<size_t>(storage_offset) * element,
                        static_cast<size_t>(numel()) * element);
}

TensorView contiguous_view(DType dtype, std::vector<int64_t> shape, std::string_view bytes,
                           std::shared_ptr<const void> owner) {
  TensorView view{dtype, std::move(shape), {}, bytes, 0, std::move(owner)};
  view.strides = row_major_strides(view.shape);
  if (static_cast<size_t>(view.numel()) * size_of(dtype) != bytes.size()) {
    throw Error(ErrorKind::internal, "tensor " + shape_text(view.shape),
                "was given " + std::to_string(bytes.size()) + " bytes");
  }
  return view;
}

void check_bounds(const TensorView& view, std::string_view where) {
  if (view.shape.size() > kMaxDimensions || view.shape.size() != view.strides.size()) {
    refuse(where, "a tensor has " + std::to_string(view.shape.size()) + " dimensions and " +
                      std::to_string(view.strides.size()) + " strides");
  }
  const auto negative = [](int64_t value) { return value < 0; };
  if (std::any_of(view.shape.begin(), view.shape.end(), negative) ||
      std::any_of(view.strides.begin(), view.strides.end(), negative) || view.storage_offset < 0) {
    refuse(where, "a tensor of shape " + shape_text(view.shape) + ", strides " +
                      shape_text(view.strides) + " and offset " +
                      std::to_string(view.storage_offset) + " has a negative number");
  }
  const int64_t numel = checked_numel(view.shape, where);
  if (numel == 0) return;
  const auto held = static_cast<int64_t>(view.storage.size() / size_of(view.dtype));
  if (numel > held || last_element(view, where) >= held) {
    refuse(where, "the tensor " + shape_text(view.shape) + " does not fit into its storage of " +
                      std::to_string(held) + " elements");
  }
}

std::string gather(const TensorView& view) {
  if (view.is_contiguous()) return std::string(view.bytes());
  const size_t element = size_of(view.dtype);
  std::string out;
  out.reserve(static_cast<size_t>(view.numel()) * element);
  std::vector<int64_t> index(view.shape.size(), 0);
  int64_t position = view.storage_offset;
  for (int64_t left = view.numel(); left > 0; --left) {
    out.append(view.storage.substr(static_cast<size_t>(position) * element, element));
    // The next index in C order, as an odometer: the last dimension turns first.
    for (size_t d = index.size(); d-- > 0;) {
      position += view.strides[d];
      if (++index[d] < view.shape[d]) break;
      position -= view.strides[d] * view.shape[d];
      index[d] = 0;
    }
  }
  return out;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

std::vector<int64_t> row_major_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) {
    // Wraps around for impossible shapes, which check_bounds finds.
    __builtin_mul_overflow(strides[i], std::max<int64_t>(shape[i], 1), &strides[i - 1]);
  }
  return strides;
}

const TensorView* find(const StateDict& state, std::string_view name) {
  for (const auto& [key, tensor] : state) {
    if (key == name) return &tensor;
  }
  return nullptr;
}

}  // namespace koi::checkpoint
