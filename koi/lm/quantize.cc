#include "koi/lm/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "koi/base/atomic_folder.h"
#include "koi/base/error.h"
#include "koi/base/version.h"
#include "koi/checkpoint/safetensors.h"
#include "koi/lm/checkpoint.h"
#include "koi/tensor/bridge.h"

namespace koi::lm {
namespace {

using checkpoint::DType;
using checkpoint::StateDict;
using checkpoint::TensorView;
using kernels::Format;
using kernels::Matrix;

// [rows, width] of what a matrix holds in each row, those of its padding left out.
TensorView rows_of(const Matrix& matrix, DType dtype, int64_t width) {
  const int64_t bytes = matrix.rows * matrix.row_bytes();
  return {.dtype = dtype,
          .shape = {matrix.rows, width},
          .strides = {matrix.row_bytes() / static_cast<int64_t>(size_of(dtype)), 1},
          .storage = {static_cast<const char*>(matrix.values), static_cast<size_t>(bytes)},
          .owner = matrix.owner};
}

at::Tensor floats(const float* values, std::vector<int64_t> shape) {
  return at::from_blob(const_cast<float*>(values), shape, at::kFloat).clone();
}

// The matrix under its key, its scales beside it.
StateDict to_stored(const std::string& name, const Matrix& matrix) {
  const int64_t blocks = kernels::blocks_of(matrix.columns);
  const std::string key = name + ".weight";
  switch (matrix.format) {
    case Format::int8:
      return {{key, rows_of(matrix, DType::i8, matrix.columns)},
              {name + ".scales",
               tensor::to_view(floats(matrix.scales, {matrix.rows}).to(at::kBFloat16))}};
    case Format::int4:
      return {{key, rows_of(matrix, DType::u8, matrix.row_bytes())},
              {name + ".scales", tensor::to_view(floats(matrix.scales, {matrix.rows, blocks}))},
              {name + ".least", tensor::to_view(floats(matrix.least, {matrix.rows, blocks}))}};
    case Format::bf16:
      return {{key, rows_of(matrix, DType::bf16, matrix.columns)}};
    case Format::f32:
      break;
  }
  return {{key, rows_of(matrix, DType::f32, matrix.columns)}};
}

// Damaged weights have a scale that is no number either.
void check_scales(const Matrix& matrix, const std::string& where) {
  if (matrix.scales == nullptr) return;
  const int64_t groups = matrix.format == Format::int4 ? kernels::blocks_of(matrix.columns) : 1;
  for (int64_t i = 0; i < matrix.rows * groups; ++i) {
    if (std::isfinite(matrix.scales[i])) continue;
    throw Error(ErrorKind::corrupt, where, "holds values that are no numbers",
                "the training has diverged: take an earlier step or a lower learning rate");
  }
}

StateDict quantized(const WeightsFile& weights, DualAr& model, const QuantizeOptions& options) {
  std::map<std::string, std::function<at::Tensor()>> additions;
  const auto note = [&](const std::string& name, auto& layer) {
    if (layer.lora) additions[name + ".weight"] = [&layer] { return addition_of(layer); };
  };
  model.visit_adapted({.linear = note, .embedding = note});
  MatrixMaker maker(weights, options.threads);
  StateDict out;
  size_t done = 0;
  model.visit([&](const std::string& key, at::Tensor& parameter) {
    const bool linear = is_linear(key, static_cast<size_t>(parameter.dim()));
    const auto addition = additions.find(key);
    if (linear || addition != additions.end()) {
      const Format own =
          checkpoint::find(weights.tensors, key)->dtype == DType::bf16 ? Format::bf16 : Format::f32;
      const Matrix matrix =
          maker.make(key, parameter.size(1), linear ? format_for(key, options.formats) : own,
                     addition != additions.end() ? addition->second() : at::Tensor());
      check_scales(matrix, weights.path.string() + ": " + key);
      for (auto& part : to_stored(key.substr(0, key.rfind('.')), matrix))
        out.push_back(std::move(part));
    } else {
      out.emplace_back(key, *checkpoint::find(weights.tensors, key));
    }
    if (options.on_tensor) options.on_tensor(++done, weights.tensors.size());
  });
  return out;
}

int64_t bytes_of(const TensorView& view) {
  return view.numel() * static_cast<int64_t>(size_of(view.dtype));
}

int64_t bytes_of(const StateDict& tensors) {
  int64_t bytes = 0;
  for (const auto& [key, view] : tensors) bytes += bytes_of(view);
  return bytes;
}

std::map<std::string, std::string> metadata_of(const QuantizeOptions& options) {
  std::map<std::string, std::string> metadata{{"format", "pt"},
                                              {checkpoint::kLayoutKey, checkpoint::kLayout},
                                              {"koi_version", std::string(base::version())},
                                              {"koi_weights", name_of(options.formats)},
                                              {"koi_base", printable(options.base.string())}};
  std::string adapters;
  for (const auto& [file, weight] : options.adapters)
    adapters += fmt::format("{}{}:{}", adapters.empty() ? "" : " ", file.path.string(), weight);
  if (adapters.empty())
    metadata[checkpoint::kBaseHashKey] = identify_base(options.base, options.base).weights_hash;
  else
    metadata["koi_adapters"] = printable(adapters);
  return metadata;
}

}  // namespace

QuantizeReport quantize_checkpoint(const QuantizeOptions& options) {
  const at::NoGradGuard no_gradients;
  base::AtomicFolder folder(options.output);
  DualAr model = load_model(options.base, {.shapes_only = true});
  const WeightsFile weights = read_weights(options.base);
  checkpoint::require_full_weights(weights);
  check_weights(weights, model);
  put_adapters(model, options.adapters, options.base);

  checkpoint::SafetensorsFile file{{}, metadata_of(options)};
  file.tensors = quantized(weights, model, options);
  // Large ones first, which begin at multiples of a cache line then.
  std::stable_partition(file.tensors.begin(), file.tensors.end(),
                        [](const auto& entry) { return bytes_of(entry.second) % 64 == 0; });
  QuantizeReport report{.tensors = file.tensors.size(),
                        .bytes = bytes_of(file.tensors),
                        .base_bytes = bytes_of(weights.tensors),
                        .copied = copy_companions(options.base, folder.temporary_path())};
  checkpoint::save_safetensors(folder.temporary_path() / checkpoint::kStoredWeights, file);
  folder.commit();
  return report;
}

}  // namespace koi::lm
