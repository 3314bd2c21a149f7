// Every operation on tensors, seen as it is asked for: whether the host would wait for a device in
// it, and a recording of it that is played again, as a GPU's graphs do, but on the CPU. To be
// included by one file of a program.
#pragma once

#include <ATen/core/GraphImplInterface.h>
#include <torch/library.h>

#include <algorithm>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "koi/tensor/torch.h"

namespace koi::test {

// While one lives, the operations of this thread are watched.
class OpWatcher {
 public:
  OpWatcher() : before_(current()), include_(c10::DispatchKey::TESTING_ONLY_GenericMode) {
    current() = this;
  }
  virtual ~OpWatcher() { current() = before_; }
  OpWatcher(const OpWatcher&) = delete;
  OpWatcher& operator=(const OpWatcher&) = delete;

  // An operation that is made of no others, with its arguments on the stack; to be done by `call`.
  virtual void see(const c10::OperatorHandle& op, torch::jit::Stack& stack,
                   const std::function<void()>& call) = 0;

  static void handle(const c10::OperatorHandle& op, c10::DispatchKeySet keys,
                     torch::jit::Stack* stack) {
    constexpr auto kHere = c10::DispatchKey::TESTING_ONLY_GenericMode;
    const auto below = keys & c10::DispatchKeySet(c10::DispatchKeySet::FULL_AFTER, kHere);
    if (op.hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd))
      return op.redispatchBoxed(below, stack);
    const c10::impl::ExcludeDispatchKeyGuard nothing_inside(kHere);
    current()->see(op, *stack, [&] { op.redispatchBoxed(below, stack); });
  }

 private:
  static OpWatcher*& current() {
    static thread_local OpWatcher* watcher = nullptr;
    return watcher;
  }

  OpWatcher* before_;
  c10::impl::IncludeDispatchKeyGuard include_;
};

inline TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&OpWatcher::handle>());
}

// Whether on a GPU the host would wait in this operation: for a value, or for a shape that follows
// from values, or for a copy to where page-locked memory is not taken.
inline bool waits(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  static const std::set<std::string> kWaiting{
      "aten::_local_scalar_dense", "aten::nonzero",  "aten::equal",        "aten::masked_select",
      "aten::is_nonzero",          "aten::_unique2", "aten::_assert_async"};
  const std::string& name = op.schema().name();
  if (kWaiting.contains(name)) return true;
  if (name != "aten::_to_copy") return false;
  const auto arguments = std::span(stack).last(op.schema().arguments().size());
  return std::any_of(arguments.begin(), arguments.end(),
                     [](const c10::IValue& value) { return value.isDevice(); });
}

// The names of operations in which the host would wait.
class HostWaits : public OpWatcher {
 public:
  void see(const c10::OperatorHandle& op, torch::jit::Stack& stack,
           const std::function<void()>& call) override {
    ++seen;
    if (waits(op, stack)) names.push_back(op.schema().name());
    call();
  }

  size_t seen = 0;
  std::vector<std::string> names;
};

// A graph as the CPU's: what is captured has no effect, what is replayed is done on the same
// tensors. Throws std::logic_error where work that is captured would wait for the device.
class RecordedGraph : public at::GraphImplInterface {
 public:
  // Whether work on the CPU is recorded at all from now on, and how often that was done and played.
  struct Use {
    bool enabled = false;
    size_t captured = 0, replayed = 0;
  };
  static Use& use() {
    static Use instance;
    return instance;
  }

  explicit RecordedGraph(const at::GraphImplArgs&) {}

  void capture_begin(at::MempoolId_t, at::GraphCaptureMode) override {
    ++use().captured;
    recorder_ = std::make_unique<Recorder>();
  }
  void capture_end() override {
    steps_ = std::move(recorder_->steps);
    const auto changed = std::move(recorder_->changed);
    recorder_.reset();
    const c10::InferenceMode no_gradients;
    for (auto change = changed.rbegin(); change != changed.rend(); ++change)
      change->first.copy_(change->second);
  }
  void replay() override {
    ++use().replayed;
    for (const Step& step : steps_) {
      torch::jit::Stack stack = step.arguments;
      step.op.callBoxed(stack);
      for (size_t i = 0; i < stack.size(); ++i) {
        if (step.is_new[i]) step.results[i].toTensor().copy_(stack[i].toTensor());
      }
    }
  }
  void instantiate() override {}
  void reset() override { steps_.clear(); }
  at::MempoolId_t pool() const override { return {0, 0}; }
  void enable_debug_mode() override {}
  void debug_dump(const std::string&) override {}

 private:
  struct Step {
    c10::OperatorHandle op;
    std::vector<c10::IValue> arguments, results;
    std::vector<bool> is_new;  // which results are tensors with memory of their own
  };

  struct Recorder : OpWatcher {
    void see(const c10::OperatorHandle& op, torch::jit::Stack& stack,
             const std::function<void()>& call) override {
      if (waits(op, stack)) throw std::logic_error(op.schema().name() + " waits for the device");
      const auto& schema = op.schema();
      Step step{.op = op, .arguments = {}, .results = {}, .is_new = {}};
      step.arguments.assign(stack.end() - std::ssize(schema.arguments()), stack.end());
      for (size_t i = 0; i < step.arguments.size(); ++i) {
        const auto* alias = schema.arguments()[i].alias_info();
        if (alias != nullptr && alias->isWrite() && step.arguments[i].isTensor())
          changed.emplace_back(step.arguments[i].toTensor(), step.arguments[i].toTensor().clone());
      }
      call();
      step.results.assign(stack.end() - std::ssize(schema.returns()), stack.end());
      for (const c10::IValue& result : step.results) step.is_new.push_back(is_new(step, result));
      steps.push_back(std::move(step));
    }

    static bool is_new(const Step& step, const c10::IValue& result) {
      if (!result.isTensor() || !result.toTensor().defined()) return false;
      return std::none_of(
          step.arguments.begin(), step.arguments.end(), [&](const c10::IValue& argument) {
            return argument.isTensor() && argument.toTensor().defined() &&
                   argument.toTensor().storage().is_alias_of(result.toTensor().storage());
          });
    }

    std::vector<Step> steps;
    std::vector<std::pair<at::Tensor, at::Tensor>> changed;  // and what it was before
  };

  std::unique_ptr<Recorder> recorder_;
  std::vector<Step> steps_;
};

// While it lives, tensor::WorkGraphs of the CPU record.
class RecordingOnCpu {
 public:
  RecordingOnCpu() {
    static const bool registered = [] {
      at::GraphImplRegistry()->Register("CPU", [](const at::GraphImplArgs& arguments) {
        return RecordedGraph::use().enabled ? std::make_unique<RecordedGraph>(arguments) : nullptr;
      });
      return true;
    }();
    RecordedGraph::use() = {.enabled = registered};
  }
  ~RecordingOnCpu() { RecordedGraph::use().enabled = false; }
  RecordingOnCpu(const RecordingOnCpu&) = delete;
  RecordingOnCpu& operator=(const RecordingOnCpu&) = delete;
};

}  // namespace koi::test
