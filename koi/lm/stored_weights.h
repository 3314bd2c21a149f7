// The weights of a checkpoint as they lie in its file: floats, or quantised matrices with their
// scales beside them (layout: docs/file_formats.md).
#pragma once

#include <string>

#include "koi/base/files.h"
#include "koi/checkpoint/weights_file.h"
#include "koi/kernels/matrix.h"
#include "koi/lm/model.h"

namespace koi::lm {

// How the linear layers are held; all other weights stay as they are.
struct CpuFormats {
  kernels::Format slow = kernels::Format::f32;
  kernels::Format fast = kernels::Format::f32;  // with fast_project_in

  bool operator==(const CpuFormats&) const = default;
};
std::string name_of(const CpuFormats& formats);  // "int8"; "int8+int4" where they differ

// Whether `key` of the model, a parameter of so many axes, is the matrix of a linear layer.
bool is_linear(const std::string& key, size_t axes);
kernels::Format format_for(const std::string& key, const CpuFormats& formats);

using checkpoint::WeightsFile;  // here its tensors are under the model's keys

// Of a folder's file. It may be wrapped in "state_dict" with a "model." prefix; wq, wk, wv of old
// files become wqkv. Throws what checkpoint::load_weights throws, and Error(corrupt) where there
// are no tensors.
WeightsFile read_weights(const base::fs::path& folder);

// The parameters of a model in memory, which they keep; without adapters.
WeightsFile weights_of(const DualAr& model);

// Of each part what its matrices are: int8, int4, bf16 where all are, else f32.
CpuFormats formats_of(const WeightsFile& weights);

// Throws Error(corrupt) naming the file and the key unless all parameters of `model`, and nothing
// else, are there with their shapes, floats or, where a part is quantised, all of its matrices,
// with scales that are positive numbers.
void check_weights(const WeightsFile& weights, const DualAr& model);

// The matrix under `key` (which has ".weight") of `columns` columns, checked before, in the form
// that it is stored in: a view of the file where the kernels' layout is the file's. float16 and
// float64 become f32.
kernels::Matrix stored_matrix(const WeightsFile& weights, const std::string& key, int64_t columns);

// The vector under `key`, checked before, as float32.
at::Tensor stored_vector(const WeightsFile& weights, const std::string& key);

// What a layer's adapter adds to its weights, for MatrixMaker; undefined where there is none.
at::Tensor addition_of(const Linear& layer);
at::Tensor addition_of(const Embedding& layer);

// Makes the matrices that every token reads as a whole: copies in huge pages.
class MatrixMaker {
 public:
  // `weights` have to stay; what it makes need neither.
  MatrixMaker(const WeightsFile& weights, size_t threads) : weights_(weights), threads_(threads) {}

  // stored_matrix() in `format` (a quantised one's own, see formats_of), with `addition` (float32
  // [rows, columns]; undefined: none) added in fp32 before. What was read of a mapped file leaves
  // this process's memory again. Throws as kernels::make_matrix.
  kernels::Matrix make(const std::string& key, int64_t columns, kernels::Format format,
                       const at::Tensor& addition);

 private:
  const WeightsFile& weights_;
  size_t threads_;
  kernels::Arena arena_;
};

// All parameters, checked before, quantised ones as float32.
checkpoint::StateDict widened(const WeightsFile& weights, const DualAr& model, size_t threads);

}  // namespace koi::lm
