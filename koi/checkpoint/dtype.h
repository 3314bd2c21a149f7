// The element types of stored tensors, under safetensors' names.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace koi::checkpoint {

enum class DType { f64, f32, f16, bf16, i64, i32, i16, i8, u8, u16, u32, u64, boolean };

size_t size_of(DType dtype);            // bytes an element
std::string_view name_of(DType dtype);  // "F32", "BF16", "BOOL", ...

// The type of that name, nothing where koi knows none.
std::optional<DType> dtype_named(std::string_view name);

}  // namespace koi::checkpoint
