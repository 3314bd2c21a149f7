// A matrix times many vectors at once, as a prompt asks for: a product that is bound by arithmetic,
// where Kernels::multiply is bound by reading the weights.
#pragma once

#include <cstdint>
#include <vector>

#include "koi/kernels/kernels.h"
#include "koi/kernels/team.h"

namespace koi::kernels {

// Vectors side by side, kPanel at a time, as multiply_panel() reads them.
class PackedVectors {
 public:
  // x [count, columns], row by row; memory is kept from call to call.
  void assign(const float* x, int64_t count, int64_t columns, Team& team);

  int64_t count() const { return count_; }
  // [columns, kPanel] of vectors panel * kPanel on, zeros behind the last.
  const float* panel(int64_t panel) const { return values_.data() + panel * columns_ * kPanel; }

 private:
  int64_t count_ = 0, columns_ = 0;
  std::vector<float> values_;
};

// y [count, rows] = the matrix times each vector of `x`, whose columns are the matrix's. All in
// float32: weights are widened, some rows at a time, once for all vectors. A sum has one order,
// whatever the number of vectors and of threads.
void multiply_many(const Kernels& kernels, const Matrix& matrix, const PackedVectors& x, Team& team,
                   float* y);

}  // namespace koi::kernels
