#include "koi/lm/stored_weights.h"

#include <algorithm>
#include <set>

#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/mapped_pages.h"
#include "koi/base/parallel.h"
#include "koi/lm/weights_keys.h"
#include "koi/tensor/bridge.h"

namespace koi::lm {
namespace {

using checkpoint::DType;
using checkpoint::StateDict;
using checkpoint::TensorView;
using kernels::Format;
using kernels::Matrix;

const TensorView& require(const WeightsFile& weights, const std::string& key) {
  const TensorView* view = checkpoint::find(weights.tensors, key);
  if (view == nullptr)
    throw Error(ErrorKind::internal, weights.path.string(),
                "the tensor " + key + " was not checked");
  return *view;
}

// "output.weight", ".scales" -> "output.scales".
std::string beside(const std::string& key, std::string_view ending) {
  return key.substr(0, key.rfind('.')).append(ending);
}

bool is_quantised(Format format) { return format == Format::int8 || format == Format::int4; }

Format format_of(DType dtype) {
  if (dtype == DType::i8) return Format::int8;
  if (dtype == DType::u8) return Format::int4;
  return dtype == DType::bf16 ? Format::bf16 : Format::f32;
}

at::Tensor as_floats(const TensorView& view) {
  return tensor::to_tensor(view).to(at::kFloat).contiguous();
}

// What a Matrix looks at.
struct Held {
  at::Tensor values, scales, least;
};

Matrix matrix_of(Held held, Format format, int64_t columns) {
  const auto kept = std::make_shared<Held>(std::move(held));
  const auto floats = [](const at::Tensor& tensor) {
    return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
  };
  return {.format = format,
          .rows = kept->values.size(0),
          .columns = columns,
          .values = kept->values.const_data_ptr(),
          .scales = floats(kept->scales),
          .least = floats(kept->least),
          .owner = kept};
}

// Calls work(row) for all rows of the matrix on so many threads.
template <typename Work>
void for_rows(const Matrix& matrix, size_t threads, const Work& work) {
  constexpr int64_t kRowsAtOnce = 64;
  const auto parts = static_cast<size_t>((matrix.rows + kRowsAtOnce - 1) / kRowsAtOnce);
  const size_t done = base::parallel_for(parts, threads, [&](size_t part) {
    const int64_t first = static_cast<int64_t>(part) * kRowsAtOnce;
    for (int64_t row = first; row < std::min(first + kRowsAtOnce, matrix.rows); ++row) work(row);
  });
  if (done < parts)
    throw base::Interrupted("weights", "are not converted", "the same command begins anew");
}

// float32 [rows, columns] of its own.
at::Tensor widen(const Matrix& matrix, size_t threads) {
  at::Tensor wide = at::empty({matrix.rows, matrix.columns}, at::kFloat);
  auto* values = wide.data_ptr<float>();
  for_rows(matrix, threads,
           [&](int64_t row) { kernels::read_row(matrix, row, values + row * matrix.columns); });
  return wide;
}

// Of quantised rows, with their scales.
Matrix copy_of(const Matrix& matrix, kernels::Arena& arena, size_t threads) {
  const int64_t groups =
      matrix.rows * (matrix.format == Format::int4 ? kernels::blocks_of(matrix.columns) : 1);
  constexpr auto kFloat = static_cast<int64_t>(sizeof(float));
  const int64_t row_bytes = matrix.row_bytes(), bytes = matrix.rows * row_bytes;
  const std::shared_ptr<char> room = arena.take(bytes + 2 * groups * kFloat);
  auto* scales = reinterpret_cast<float*>(room.get() + bytes);
  for_rows(matrix, threads, [&](int64_t row) {
    std::copy_n(static_cast<const char*>(matrix.values) + row * row_bytes, row_bytes,
                room.get() + row * row_bytes);
  });
  Matrix copy = matrix;
  copy.values = room.get();
  copy.scales = scales;
  std::copy_n(matrix.scales, groups, scales);
  if (matrix.least != nullptr)
    copy.least = std::copy_n(matrix.least, groups, scales + groups) - groups;
  copy.owner = room;
  return copy;
}

// (B A) * scaling as merge_lora has it.
at::Tensor product_of(const Adapter& adapter) {
  const auto wide = [](const at::Tensor& tensor) { return tensor.to(at::kCPU, at::kFloat); };
  return at::matmul(wide(adapter.lora_B), wide(adapter.lora_A)) * adapter.scaling;
}

class Checker {
 public:
  explicit Checker(const WeightsFile& weights) : weights_(weights), formats_(formats_of(weights)) {
    for (const auto& [key, view] : weights.tensors) unused_.insert(key);
  }

  void parameter(const std::string& key, const std::vector<int64_t>& shape) {
    const bool linear = is_linear(key, shape.size());
    const Format format = linear ? format_for(key, formats_) : Format::f32;
    if (is_quantised(format)) return quantised(key, format, shape[0], shape[1]);
    const TensorView& view = shaped(key, shape);
    if (!at::isFloatingType(tensor::scalar_type(view.dtype))) fail_dtype(key, view, "floats");
  }

  void finish() const {
    if (!unused_.empty()) fail("has the tensor " + *unused_.begin() + ", which is not expected");
  }

 private:
  void quantised(const std::string& key, Format format, int64_t rows, int64_t columns) {
    const int64_t blocks = kernels::blocks_of(columns);
    const bool int4 = format == Format::int4;
    const TensorView& values = shaped(key, {rows, int4 ? blocks * kernels::kGroup / 2 : columns});
    const DType expected = int4 ? DType::u8 : DType::i8;
    if (values.dtype != expected) fail_dtype(key, values, std::string(name_of(expected)));
    const std::vector<int64_t> groups =
        int4 ? std::vector<int64_t>{rows, blocks} : std::vector<int64_t>{rows};
    const at::Tensor scales = numbers(beside(key, ".scales"), groups);
    if (!scales.gt(0).all().item<bool>())
      fail(beside(key, ".scales") + " holds a scale that is not above 0");
    if (int4) numbers(beside(key, ".least"), groups);
  }

  // Finite floats.
  at::Tensor numbers(const std::string& key, const std::vector<int64_t>& shape) {
    const TensorView& view = shaped(key, shape);
    if (!at::isFloatingType(tensor::scalar_type(view.dtype))) fail_dtype(key, view, "floats");
    at::Tensor values = as_floats(view);
    if (!values.isfinite().all().item<bool>()) fail(key + " holds values that are no numbers");
    return values;
  }

  const TensorView& shaped(const std::string& key, const std::vector<int64_t>& shape) {
    const TensorView* view = checkpoint::find(weights_.tensors, key);
    if (view == nullptr) {
      const bool lost = key.ends_with(".bias") && checkpoint::is_quantised(weights_.tensors);
      fail("lacks the tensor " + key,
           lost ? "the reference's converter drops biases, koi quantize keeps them" : kRemedy);
    }
    if (view->shape != shape) {
      fail("the tensor " + key + " has the shape " + checkpoint::shape_text(view->shape) +
           " instead of " + checkpoint::shape_text(shape));
    }
    unused_.erase(key);
    return *view;
  }

  [[noreturn]] void fail_dtype(const std::string& key, const TensorView& view,
                               const std::string& expected) const {
    fail("the tensor " + key + " is " + std::string(name_of(view.dtype)) + ", expected " +
         expected);
  }
  [[noreturn]] void fail(const std::string& what, std::string_view remedy = kRemedy) const {
    throw Error(ErrorKind::corrupt, weights_.path.string(), what, remedy);
  }

  static constexpr std::string_view kRemedy = "check that the file belongs to this configuration";
  const WeightsFile& weights_;
  CpuFormats formats_;
  std::set<std::string> unused_;
};

}  // namespace

std::string name_of(const CpuFormats& formats) {
  const std::string slow(kernels::name_of(formats.slow)), fast(kernels::name_of(formats.fast));
  return slow == fast ? slow : slow + "+" + fast;
}

bool is_linear(const std::string& key, size_t axes) {
  return axes == 2 && key.ends_with(".weight") && key.find("embeddings") == std::string::npos;
}

Format format_for(const std::string& key, const CpuFormats& formats) {
  return key.starts_with("fast_") ? formats.fast : formats.slow;
}

WeightsFile read_weights(const base::fs::path& folder) {
  WeightsFile file = checkpoint::load_weights(folder);
  file.tensors = with_model_keys(file.tensors, file.path.string());
  if (file.tensors.empty()) throw Error(ErrorKind::corrupt, file.path.string(), "holds no tensors");
  return file;
}

WeightsFile weights_of(const DualAr& model) {
  WeightsFile weights{.path = "model", .tensors = {}};
  DualAr names = model;  // the same tensors
  names.visit([&](const std::string& key, at::Tensor& parameter) {
    weights.tensors.emplace_back(key, tensor::to_view(parameter));
  });
  return weights;
}

CpuFormats formats_of(const WeightsFile& weights) {
  std::set<Format> slow, fast;
  for (const auto& [key, view] : weights.tensors) {
    if (is_linear(key, view.shape.size()))
      (key.starts_with("fast_") ? fast : slow).insert(format_of(view.dtype));
  }
  const auto whole = [](const std::set<Format>& formats) {
    for (const Format format : {Format::int4, Format::int8, Format::f32})
      if (formats.contains(format)) return format;
    return formats.empty() ? Format::f32 : Format::bf16;
  };
  return {.slow = whole(slow), .fast = whole(fast)};
}

void check_weights(const WeightsFile& weights, const DualAr& model) {
  Checker checker(weights);
  DualAr shapes = model;
  shapes.visit([&](const std::string& key, at::Tensor& parameter) {
    checker.parameter(key, parameter.sizes().vec());
  });
  checker.finish();
}

Matrix stored_matrix(const WeightsFile& weights, const std::string& key, int64_t columns) {
  const TensorView& view = require(weights, key);
  const Format format = format_of(view.dtype);
  if (format == Format::f32) return matrix_of({as_floats(view), {}, {}}, format, columns);
  Held held{tensor::to_tensor(view).contiguous(), {}, {}};
  if (is_quantised(format)) held.scales = as_floats(require(weights, beside(key, ".scales")));
  if (format == Format::int4) held.least = as_floats(require(weights, beside(key, ".least")));
  const int64_t missing = kernels::blocks_of(columns) * kernels::kGroup - columns;
  if (format == Format::int8 && missing > 0)
    held.values = at::constant_pad_nd(held.values, {0, missing});
  return matrix_of(std::move(held), format, columns);
}

at::Tensor stored_vector(const WeightsFile& weights, const std::string& key) {
  return as_floats(require(weights, key));
}

Matrix MatrixMaker::make(const std::string& key, int64_t columns, Format format,
                         const at::Tensor& addition) {
  const Matrix stored = stored_matrix(weights_, key, columns);
  Matrix made;
  if (addition.defined()) {
    const at::Tensor wide = widen(stored, threads_).add_(addition);
    made = kernels::make_matrix(
        {.rows = stored.rows, .columns = columns, .values = wide.const_data_ptr()}, format, arena_,
        threads_);
  } else if (is_quantised(stored.format)) {
    made = copy_of(stored, arena_, threads_);
  } else {
    made = kernels::make_matrix(
        {.format = stored.format, .rows = stored.rows, .columns = columns, .values = stored.values},
        format, arena_, threads_);
  }
  const TensorView& view = require(weights_, key);
  if (view.owner.get() == weights_.map) base::release_pages(view.storage);
  return made;
}

at::Tensor addition_of(const Linear& layer) {
  return layer.lora ? product_of(*layer.lora) : at::Tensor();
}

at::Tensor addition_of(const Embedding& layer) {
  return layer.lora ? product_of(*layer.lora).t() : at::Tensor();
}

StateDict widened(const WeightsFile& weights, const DualAr& model, size_t threads) {
  StateDict state;
  DualAr shapes = model;
  shapes.visit([&](const std::string& key, at::Tensor& parameter) {
    const TensorView& view = require(weights, key);
    if (is_quantised(format_of(view.dtype))) {
      const Matrix matrix = stored_matrix(weights, key, parameter.size(1));
      state.emplace_back(key, tensor::to_view(widen(matrix, threads)));
    } else {
      state.emplace_back(key, view);
    }
  });
  return state;
}

}  // namespace koi::lm
