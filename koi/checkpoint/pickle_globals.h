// The names that may stand in a checkpoint, and what becomes of them. It is what torch.load(
// weights_only=True) allows and koi can represent, and the plain containers and paths that
// Lightning puts beside. Nothing here runs code of the file.
#pragma once

#include <optional>
#include <string>

#include "koi/checkpoint/dtype.h"
#include "koi/checkpoint/value.h"

namespace koi::checkpoint {

// Throws Error(unsupported) naming module.name unless it is in the list.
void check_global(const Global& global, const std::string& where);

// The value of global(*arguments): a tensor, a dict, a set, bytes, or an Object that keeps both.
// Throws Error(corrupt) where the arguments are not what torch writes.
Value call_global(const Global& global, const Value& arguments, const std::string& where);

// The element type of torch.FloatStorage and its like; nothing for other names. An UntypedStorage
// holds bytes.
std::optional<DType> storage_dtype(const Global& global);

// "FloatStorage" for f32; torch has no typed storage for u16, u32 and u64: nothing then.
std::optional<std::string> storage_name(DType dtype);

// "float32", the name of torch's dtype object.
std::string torch_dtype_name(DType dtype);

}  // namespace koi::checkpoint
