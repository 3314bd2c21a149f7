// AdamW. Source: Loshchilov and Hutter 2019, in torch.optim.AdamW's order of operations.
#pragma once

#include <cstdint>
#include <vector>

#include "koi/train/parameters.h"

namespace koi::train {

struct AdamWOptions {
  double lr = 1e-4;
  double weight_decay = 0;  // only for parameters that decay
  double beta1 = 0.9;
  double beta2 = 0.95;
  double eps = 1e-5;
};

class AdamW {
 public:
  // What the optimizer keeps for a parameter; undefined tensors until it first had a gradient.
  struct Moments {
    int64_t steps = 0;
    at::Tensor exp_avg, exp_avg_sq;  // of the parameter's dtype
  };

  // `parameters` as optimizer_order gives them; those that are not trained are only counted.
  AdamW(std::vector<Parameter> parameters, const AdamWOptions& options);

  // Updates every parameter that has a gradient.
  void step(double lr);
  void clear_gradients();
  std::vector<at::Tensor> gradients() const;  // of those that have one

  const AdamWOptions& options() const { return options_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  // One for each parameter, in their order; a run checkpoint reads and fills them.
  const std::vector<Moments>& moments() const { return moments_; }
  std::vector<Moments>& moments() { return moments_; }

 private:
  // Parameters that are updated by the same operations.
  struct Group {
    std::vector<at::Tensor> values, gradients, exp_avgs, exp_avg_sqs;
    int64_t steps = 0, elements = 0;
    bool decays = false;

    bool takes(const Parameter& parameter, const Moments& m) const;  // one more
    void add(const Parameter& parameter, const Moments& m);
  };
  void update(const Group& group, double lr) const;

  AdamWOptions options_;
  std::vector<Parameter> parameters_;
  std::vector<Moments> moments_;
};

}  // namespace koi::train
