#include "koi/lm/recompute.h"

#include "koi/tensor/autocast.h"

namespace koi::lm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Job : torch::CustomClassHolder {
  std::function<at::Tensor(const at::Tensor&)> compute;
  at::Generator generator;
  at::Tensor random_state;
  std::optional<at::ScalarType> autocast;
};

// Puts the generator back where it stood.
class RandomStateGuard {
 public:
  explicit RandomStateGuard(at::Generator generator)
      : generator_(std::move(generator)), state_(generator_.get_state()) {}
  ~RandomStateGuard() { generator_.set_state(state_); }
  RandomStateGuard(const RandomStateGuard&) = delete;
  RandomStateGuard& operator=(const RandomStateGuard&) = delete;

 private:
  at::Generator generator_;
  at::Tensor state_;
};

struct Recompute : torch::autograd::Function<Recompute> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const c10::intrusive_ptr<Job>& job) {
    context->save_for_backward({x});
    context->saved_data["job"] = c10::IValue::make_capsule(job);
    return job->compute(x);  // gradients are off in here
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto capsule = context->saved_data["job"].toCapsule();
    auto& job = static_cast<Job&>(*capsule);
    const at::Tensor x = context->get_saved_variables()[0].detach().requires_grad_(true);
    const at::AutoGradMode gradients_on(true);
    at::Tensor y;
    {
      const RandomStateGuard random_guard(job.generator);
      const tensor::AutocastGuard autocast_guard(x.device().type(), job.autocast);
      job.generator.set_state(job.random_state);
      y = job.compute(x);
    }
    y.backward(gradients[0]);
    return {x.grad(), at::Tensor()};
  }
};

}  // namespace

at::Tensor recompute(std::function<at::Tensor(const at::Tensor&)> compute, const at::Tensor& x,
                     at::Generator* generator) {
  if (!x.requires_grad() || !at::GradMode::is_enabled()) return compute(x);
  auto job = c10::make_intrusive<Job>();
  job->compute = std::move(compute);
  job->generator =
      generator != nullptr ? *generator : at::globalContext().defaultGenerator(x.device());
  job->random_state = job->generator.get_state();
  job->autocast = tensor::autocast_dtype(x.device().type());
  return Recompute::apply(x, job);
}

}  // namespace koi::lm
