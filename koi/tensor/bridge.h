// Between tensors in files and libtorch's.
#pragma once

#include "koi/checkpoint/tensor_view.h"
#include "koi/tensor/torch.h"

namespace koi::tensor {

// Shares the bytes (no copy): the map stays alive as long as the tensor. The pages are private to
// the process, so that writing to the tensor is an error of the program, not of the file: copy
// first.
at::Tensor to_tensor(const checkpoint::TensorView& view);

// A contiguous CPU view of `tensor`, which it keeps alive; copies only what is not contiguous or
// not on the CPU.
checkpoint::TensorView to_view(const at::Tensor& tensor);

at::ScalarType scalar_type(checkpoint::DType dtype);
checkpoint::DType dtype_of(at::ScalarType type);

}  // namespace koi::tensor
