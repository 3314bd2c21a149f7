#include "koi/checkpoint/pickle_globals.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "koi/base/error.h"
#include "koi/base/utf8.h"

namespace koi::checkpoint {
namespace {

struct TorchType {
  DType dtype;
  std::string_view name;     // of torch's dtype
  std::string_view storage;  // of its storage class, empty where torch has none
};
constexpr std::array<TorchType, 13> kTorchTypes{{{DType::f64, "float64", "DoubleStorage"},
                                                 {DType::f32, "float32", "FloatStorage"},
                                                 {DType::f16, "float16", "HalfStorage"},
                                                 {DType::bf16, "bfloat16", "BFloat16Storage"},
                                                 {DType::i64, "int64", "LongStorage"},
                                                 {DType::i32, "int32", "IntStorage"},
                                                 {DType::i16, "int16", "ShortStorage"},
                                                 {DType::i8, "int8", "CharStorage"},
                                                 {DType::u8, "uint8", "ByteStorage"},
                                                 {DType::u16, "uint16", ""},
                                                 {DType::u32, "uint32", ""},
                                                 {DType::u64, "uint64", ""},
                                                 {DType::boolean, "bool", "BoolStorage"}}};

const TorchType& torch_type(DType dtype) { return kTorchTypes.at(static_cast<size_t>(dtype)); }

// torch's other element types: data as names, but no tensors of koi's.
constexpr std::array<std::string_view, 8> kForeignTypes{
    "complex64",       "complex128",      "float8_e4m3fn", "float8_e5m2",
    "float8_e4m3fnuz", "float8_e5m2fnuz", "quint8",        "qint8"};

bool is_torch_dtype(const Global& global) {
  if (global.module != "torch") return false;
  const auto named = [&](const TorchType& type) { return type.name == global.name; };
  return std::any_of(kTorchTypes.begin(), kTorchTypes.end(), named) ||
         std::find(kForeignTypes.begin(), kForeignTypes.end(), global.name) != kForeignTypes.end();
}

// The arguments of a call, checked as they are taken.
class Arguments {
 public:
  Arguments(const Value& tuple, const Global& global, const std::string& where)
      : items_(tuple.as_tuple()->items), global_(global), where_(where) {}

  size_t size() const { return items_.size(); }

  template <typename T>
  const T& get(size_t index) const {
    const T* value = index < items_.size() ? items_[index].get<T>() : nullptr;
    if (value == nullptr) fail();
    return *value;
  }

  const Value& at(size_t index) const {
    if (index >= items_.size()) fail();
    return items_[index];
  }

  std::vector<int64_t> integers(size_t index) const {
    std::vector<int64_t> numbers;
    const Tuple* tuple = at(index).as_tuple();
    if (tuple == nullptr) fail();
    for (const Value& item : tuple->items) {
      const auto* number = item.get<int64_t>();
      if (number == nullptr) fail();
      numbers.push_back(*number);
    }
    return numbers;
  }

  [[noreturn]] void fail() const {
    throw Error(ErrorKind::corrupt, where_,
                "the pickle gives " + global_.module + "." + global_.name + " wrong arguments");
  }
  const std::string& where() const { return where_; }

 private:
  const std::vector<Value>& items_;
  const Global& global_;
  const std::string& where_;
};

using Call = Value (*)(const Global& global, const Arguments& arguments);

// (storage, offset, size, stride, requires_grad, hooks[, metadata])
Value rebuild_tensor(const Global&, const Arguments& arguments) {
  TensorView tensor = arguments.get<TensorView>(0);
  tensor.storage_offset = arguments.get<int64_t>(1);
  tensor.shape = arguments.integers(2);
  tensor.strides = arguments.integers(3);
  check_bounds(tensor, arguments.where());
  return tensor;
}

// The same over untyped bytes, with the element type as argument 6.
Value rebuild_tensor_v3(const Global& global, const Arguments& arguments) {
  const Global& type = arguments.get<Global>(6);
  for (const TorchType& known : kTorchTypes) {
    if (type.module != "torch" || type.name != known.name) continue;
    TensorView storage = arguments.get<TensorView>(0);
    storage.dtype = known.dtype;
    std::vector<Value> typed{storage, arguments.at(1), arguments.at(2), arguments.at(3)};
    return rebuild_tensor(global, {Value::tuple(std::move(typed)), global, arguments.where()});
  }
  throw Error(ErrorKind::unsupported, arguments.where(),
              "holds a tensor of the type " + type.module + "." + type.name,
              "convert it to a plain type with torch");
}

// A Parameter is its tensor: (data, requires_grad, hooks[, state]).
Value rebuild_parameter(const Global&, const Arguments& arguments) {
  return arguments.get<TensorView>(0);
}

Value make_size(const Global&, const Arguments& arguments) {
  if (arguments.at(0).as_tuple() == nullptr) arguments.fail();
  return arguments.at(0);
}

// Empty, or with the entries of a dict; a defaultdict's factory is dropped.
Value make_dict(const Global& global, const Arguments& arguments) {
  std::vector<std::pair<Value, Value>> items;
  if (arguments.size() > 0) {
    if (const Dict* content = arguments.at(0).as_dict()) {
      items = content->items;
    } else if (global.name != "defaultdict") {
      arguments.fail();
    }
  }
  return Value::dict(std::move(items), global.name == "OrderedDict");
}

Value make_set(const Global&, const Arguments& arguments) {
  if (arguments.size() == 0) return std::make_shared<Set>();
  const List* content = arguments.at(0).as_list();
  if (content == nullptr) arguments.fail();
  return std::make_shared<Set>(Set{content->items});
}

// Bytes as protocol 2 writes them: a string of the code points 0 to 255, and "latin1".
Value make_bytes(const Global&, const Arguments& arguments) {
  if (arguments.size() == 0) return Bytes{};
  const auto& encoding = arguments.get<std::string>(1);
  if (encoding != "latin1" && encoding != "latin-1") arguments.fail();
  Bytes bytes;
  for (const char32_t code_point :
       base::to_utf32(arguments.get<std::string>(0), arguments.where())) {
    if (code_point > 0xff) arguments.fail();
    bytes.bytes += static_cast<char>(code_point);
  }
  return bytes;
}

const std::unordered_map<std::string_view, Call>& calls() {
  static const std::unordered_map<std::string_view, Call> table{
      {"torch._utils._rebuild_tensor_v2", rebuild_tensor},
      {"torch._utils._rebuild_tensor_v3", rebuild_tensor_v3},
      {"torch._utils._rebuild_parameter", rebuild_parameter},
      {"torch._utils._rebuild_parameter_with_state", rebuild_parameter},
      {"torch.Size", make_size},
      {"collections.OrderedDict", make_dict},
      {"collections.Counter", make_dict},
      {"collections.defaultdict", make_dict},
      {"lightning.fabric.utilities.data.AttributeDict", make_dict},
      {"lightning_fabric.utilities.data.AttributeDict", make_dict},
      {"pytorch_lightning.utilities.parsing.AttributeDict", make_dict},
      {"builtins.set", make_set},
      {"__builtin__.set", make_set},
      {"_codecs.encode", make_bytes},
      {"builtins.bytes", make_bytes},
      {"__builtin__.bytes", make_bytes},
      {"builtins.bytearray", make_bytes},
      {"__builtin__.bytearray", make_bytes},
  };
  return table;
}

// Classes whose objects are kept as they are pickled, and names that stand as data.
constexpr std::array<std::string_view, 26> kOpaque{
    "torch.device",
    "pathlib.Path",
    "pathlib.PosixPath",
    "pathlib.PurePath",
    "pathlib.PurePosixPath",
    "pathlib.WindowsPath",
    "pathlib.PureWindowsPath",
    "argparse.Namespace",
    "numpy.dtype",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "builtins.complex",
    "__builtin__.complex",
    "builtins.list",
    "__builtin__.list",
    "builtins.dict",
    "__builtin__.dict",
    "builtins.tuple",
    "__builtin__.tuple",
    "builtins.int",
    "__builtin__.int",
    "builtins.float",
    "__builtin__.float",
    "builtins.str",
    "builtins.bool",
    "__builtin__.bool",
};

}  // namespace

void check_global(const Global& global, const std::string& where) {
  const std::string full = global.module + "." + global.name;
  if (calls().contains(full) || is_torch_dtype(global) || storage_dtype(global).has_value() ||
      std::find(kOpaque.begin(), kOpaque.end(), full) != kOpaque.end())
    return;
  throw Error(ErrorKind::unsupported, where, "the pickle calls " + full,
              "refused: nothing in a checkpoint is executed; if you trust the file, load it with "
              "torch and save only its tensors");
}

Value call_global(const Global& global, const Value& arguments, const std::string& where) {
  const auto found = calls().find(global.module + "." + global.name);
  if (found == calls().end()) return std::make_shared<Object>(Object{global, arguments, None{}});
  return found->second(global, Arguments(arguments, global, where));
}

std::optional<DType> storage_dtype(const Global& global) {
  if (global.module == "torch.storage" && global.name == "UntypedStorage") return DType::u8;
  if (global.module != "torch") return std::nullopt;
  for (const TorchType& type : kTorchTypes) {
    if (!type.storage.empty() && type.storage == global.name) return type.dtype;
  }
  return std::nullopt;
}

std::optional<std::string> storage_name(DType dtype) {
  const std::string_view name = torch_type(dtype).storage;
  if (name.empty()) return std::nullopt;
  return std::string(name);
}

std::string torch_dtype_name(DType dtype) { return std::string(torch_type(dtype).name); }

}  // namespace koi::checkpoint
