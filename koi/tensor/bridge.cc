#include "koi/tensor/bridge.h"

#include <array>

#include "koi/base/error.h"

namespace koi::tensor {
namespace {

using checkpoint::DType;

constexpr std::array<std::pair<DType, at::ScalarType>, 13> kTypes{{{DType::f64, at::kDouble},
                                                                   {DType::f32, at::kFloat},
                                                                   {DType::f16, at::kHalf},
                                                                   {DType::bf16, at::kBFloat16},
                                                                   {DType::i64, at::kLong},
                                                                   {DType::i32, at::kInt},
                                                                   {DType::i16, at::kShort},
                                                                   {DType::i8, at::kChar},
                                                                   {DType::u8, at::kByte},
                                                                   {DType::u16, at::kUInt16},
                                                                   {DType::u32, at::kUInt32},
                                                                   {DType::u64, at::kUInt64},
                                                                   {DType::boolean, at::kBool}}};

}  // namespace

at::Tensor to_tensor(const checkpoint::TensorView& view) {
  const at::TensorOptions options = scalar_type(view.dtype);
  if (view.numel() == 0) return at::empty(view.shape, options);
  const char* first =
      view.storage.data() + static_cast<size_t>(view.storage_offset) * size_of(view.dtype);
  // libtorch only reads here; see the header.
  void* data = const_cast<char*>(first);
  const at::Tensor tensor = at::from_blob(
      data, view.shape, view.strides, [owner = view.owner](void*) {}, options);
  // A file may put elements at odd addresses, which libtorch's kernels do not expect.
  const bool aligned = reinterpret_cast<uintptr_t>(first) % size_of(view.dtype) == 0;
  return aligned ? tensor : tensor.clone();
}

checkpoint::TensorView to_view(const at::Tensor& tensor) {
  const auto plain = std::make_shared<at::Tensor>(tensor.detach().cpu().contiguous());
  const std::string_view bytes(static_cast<const char*>(plain->const_data_ptr()), plain->nbytes());
  return contiguous_view(dtype_of(plain->scalar_type()), plain->sizes().vec(), bytes, plain);
}

at::ScalarType scalar_type(DType dtype) {
  for (const auto& [ours, torchs] : kTypes) {
    if (ours == dtype) return torchs;
  }
  throw Error(ErrorKind::internal, "dtype", "has no counterpart in libtorch");
}

DType dtype_of(at::ScalarType type) {
  for (const auto& [ours, torchs] : kTypes) {
    if (torchs == type) return ours;
  }
  throw Error(ErrorKind::unsupported, "tensor",
              std::string("has elements of the type ") + c10::toString(type),
              "convert it to a plain type first");
}

}  // namespace koi::tensor
