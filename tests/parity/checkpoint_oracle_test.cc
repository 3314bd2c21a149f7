// What koi writes, read by torch itself with weights_only=True. Needs the environment variable
// KOI_TORCH_PYTHON, a Python that has torch; without it the tests say so and compare nothing (the
// byte-level tests beside stand for it).
#include <gmock/gmock.h>

#include <cstdlib>
#include <iostream>

#include "koi/checkpoint/pickle_globals.h"
#include "koi/checkpoint/pth.h"
#include "tests/support/goldens.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::checkpoint {
namespace {

std::string oracle() {
  const char* python = std::getenv("KOI_TORCH_PYTHON");
  if (python == nullptr || *python == '\0') {
    std::cout << "absent: KOI_TORCH_PYTHON names no Python with torch, nothing is compared\n";
    return {};
  }
  return python;
}

test::RunResult run_python(const std::string& script, const std::vector<std::string>& arguments) {
  std::vector<std::string> command{oracle(), "-c", script};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return test::run(command);
}

// Loads pairs of files and compares them in depth; prints how many tensors of each were equal.
constexpr const char* kCompare = R"(
import sys, torch
count = 0
def same(a, b):
    global count
    assert type(a) is type(b), (type(a), type(b))
    if isinstance(a, torch.Tensor):
        assert a.dtype == b.dtype and a.shape == b.shape and a.stride() == b.stride()
        assert torch.equal(a, b)
        count += 1
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a: same(a[key], b[key])
        if hasattr(a, '_metadata'): assert a._metadata == b._metadata
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b): same(x, y)
    else:
        assert a == b, (a, b)
for pair in zip(sys.argv[1::2], sys.argv[2::2]):
    count = 0
    same(*(torch.load(path, weights_only=True) for path in pair))
    print(count)
)";

size_t count_tensors(const Value& value) {
  size_t count = value.get<TensorView>() != nullptr ? 1 : 0;
  visit_children(value, [&](const Value& child) { count += count_tensors(child); });
  return count;
}

TEST(TorchOracle, ReadsOurCopiesOfItsFiles) {
  if (oracle().empty()) return;
  const test::TempDir folder;
  const auto files = base::list_files(test::goldens_root(), [](const base::fs::path& path) {
    return path.extension() == ".pth" || path.extension() == ".ckpt";
  });
  if (files.empty()) return test::report_absent("a .pth or .ckpt");
  std::vector<std::string> pairs;
  std::string expected;
  for (const base::fs::path& file : files) {
    const Value original = load_pth(file);
    const std::string copy = (folder / (std::to_string(pairs.size()) + ".pth")).string();
    save_pth(copy, original);
    pairs.insert(pairs.end(), {file.string(), copy});
    expected += std::to_string(count_tensors(original)) + "\n";
  }
  const test::RunResult result = run_python(kCompare, pairs);
  EXPECT_EQ(result.out, expected) << result.err;
}

constexpr const char* kCheckKinds = R"(
import sys, torch
root = torch.load(sys.argv[1], weights_only=True)
assert root['numbers'] == [0, 255, 256, 65535, 65536, -1, 2**31 - 1, 2**31, -2**31 - 1, 2**63 - 1,
                           -2**63, 127 << 8, -32768 << 32]
assert root['reals'] == (0.5, -1e300) and root['empty'] == ()
assert root['plain'] == [None, True, False, 'né한', b'\x00\xff', {'a', 'b'}]
assert root['long'] == list(range(2001)), len(root['long'])
assert root['shared'][0] is root['shared'][1]
for name in 'float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 uint16 uint32 uint64'.split():
    tensor = root['tensors'][name]
    assert tensor.dtype == getattr(torch, name), tensor.dtype
    assert tensor.view(torch.uint8).flatten().tolist() == list(range(6 * tensor.element_size()))
assert root['tensors']['bool'].dtype == torch.bool
assert root['scalar'].shape == () and root['none'].shape == (0, 3)
assert torch.equal(root['whole'].t(), root['turned'])
assert root['whole'].data_ptr() == root['turned'].data_ptr()
assert root['device'] == torch.device('cpu') and root['type'] is torch.bfloat16
print('equal')
)";

Value all_kinds() {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const auto bytes = std::make_shared<std::string>();
  for (int i = 0; i < 48; ++i) *bytes += static_cast<char>(i);
  const std::string_view view(*bytes);
  const auto tensor = [&](DType dtype, std::vector<int64_t> shape) {
    size_t size = size_of(dtype);
    for (const int64_t dimension : shape) size *= static_cast<size_t>(dimension);
    return contiguous_view(dtype, std::move(shape), view.substr(0, size), bytes);
  };

  std::vector<Value> numbers{0,
                             255,
                             256,
                             65535,
                             65536,
                             -1,
                             kMax >> 32,
                             (kMax >> 32) + 1,
                             -(kMax >> 32) - 2,
                             kMax,
                             -kMax - 1,
                             127 << 8,
                             int64_t{-32768} * (int64_t{1} << 32)};
  std::vector<Value> count(2001);
  for (size_t i = 0; i < count.size(); ++i) count[i] = static_cast<int64_t>(i);
  const Value shared = Value::list({1});
  std::vector<std::pair<Value, Value>> tensors;
  for (int i = 0; i <= static_cast<int>(DType::boolean); ++i) {
    const auto dtype = static_cast<DType>(i);
    tensors.emplace_back(torch_dtype_name(dtype),
                         tensor(dtype, dtype == DType::boolean ? std::vector<int64_t>{2}
                                                               : std::vector<int64_t>{2, 3}));
  }
  const TensorView whole = tensor(DType::f32, {2, 3});
  TensorView turned = whole;
  turned.shape = {3, 2};
  turned.strides = {1, 3};
  const Value cpu = std::make_shared<Object>(
      Object{{"torch", "device"}, Value::tuple({std::string("cpu")}), None{}});
  return Value::dict(
      {{std::string("numbers"), Value::list(std::move(numbers))},
       {std::string("reals"), Value::tuple({0.5, -1e300})},
       {std::string("empty"), Value::tuple()},
       {std::string("plain"),
        Value::list({None{}, true, false, std::string("né한"), Bytes{std::string("\x00\xff", 2)},
                     std::make_shared<Set>(Set{{std::string("a"), std::string("b")}})})},
       {std::string("long"), Value::list(std::move(count))},
       {std::string("shared"), Value::list({shared, shared})},
       {std::string("tensors"), Value::dict(std::move(tensors), true)},
       {std::string("scalar"), tensor(DType::f32, {})},
       {std::string("none"), tensor(DType::f32, {0, 3})},
       {std::string("whole"), whole},
       {std::string("turned"), turned},
       {std::string("device"), cpu},
       {std::string("type"), Global{"torch", "bfloat16"}}});
}

TEST(TorchOracle, ReadsEveryKindOfValue) {
  if (oracle().empty()) return;
  const test::TempDir folder;
  save_pth(folder / "한국어.pth", all_kinds());
  const test::RunResult result = run_python(kCheckKinds, {(folder / "한국어.pth").string()});
  EXPECT_EQ(result.out, "equal\n") << result.err;
}

}  // namespace
}  // namespace koi::checkpoint
