#include "koi/train/lightning.h"

#include <limits>

#include "koi/tensor/bridge.h"

namespace koi::train {
namespace {

using checkpoint::None;
using checkpoint::Value;
using Items = std::vector<std::pair<Value, Value>>;

Value text(const char* value) { return Value(std::string(value)); }

Value dict(std::initializer_list<std::pair<const char*, Value>> entries) {
  Items items;
  for (const auto& [key, value] : entries) items.emplace_back(text(key), value);
  return Value::dict(std::move(items));
}

Value integer_scalar(int64_t value) {
  return Value(tensor::to_view(at::scalar_tensor(value, at::kLong)));
}

// Two equal counters, of the whole run and of the present epoch, which are one here.
Value progress(const Value& counts) { return dict({{"total", counts}, {"current", counts}}); }

Value ready_completed(int64_t count) {
  return dict({{"ready", Value(count)}, {"completed", Value(count)}});
}

Value counts(int64_t begun, int64_t completed) {
  return dict({{"ready", Value(begun)},
               {"completed", Value(completed)},
               {"started", Value(begun)},
               {"processed", Value(begun == completed ? begun : completed + 1)}});
}

Value batch_progress(int64_t begun, int64_t completed) {
  const Value both = counts(begun, completed);
  return dict({{"total", both}, {"current", both}, {"is_last_batch", Value(false)}});
}

Value empty() { return Value::dict(); }

Value unused_loop() {
  return dict({{"state_dict", empty()}, {"batch_progress", batch_progress(0, 0)}});
}

Value fit_loop(int64_t steps, int64_t batches) {
  const Value zero_grad =
      dict({{"ready", Value(steps)}, {"completed", Value(steps)}, {"started", Value(steps)}});
  const Value optimizer =
      dict({{"step", progress(ready_completed(steps))}, {"zero_grad", progress(zero_grad)}});
  const Value epoch = dict({{"ready", Value(int64_t{1})},
                            {"completed", Value(int64_t{0})},
                            {"started", Value(int64_t{1})},
                            {"processed", Value(int64_t{0})}});
  const int64_t before = std::max<int64_t>(batches - 1, 0);
  return dict(
      {{"state_dict", empty()},
       {"epoch_loop.state_dict",
        dict({{"_batches_that_stepped", Value(std::max<int64_t>(steps - 1, 0))}})},
       {"epoch_loop.batch_progress", batch_progress(batches, before)},
       {"epoch_loop.scheduler_progress", progress(ready_completed(steps))},
       {"epoch_loop.automatic_optimization.state_dict", empty()},
       {"epoch_loop.automatic_optimization.optim_progress", dict({{"optimizer", optimizer}})},
       {"epoch_loop.manual_optimization.state_dict", empty()},
       {"epoch_loop.manual_optimization.optim_step_progress", progress(ready_completed(0))},
       {"epoch_loop.val_loop.state_dict", empty()},
       {"epoch_loop.val_loop.batch_progress", batch_progress(0, 0)},
       {"epoch_progress", progress(epoch)}});
}

Value group(const AdamW& optimizer, bool decays, double rate) {
  const AdamWOptions& options = optimizer.options();
  std::vector<Value> indices;
  for (size_t i = 0; i < optimizer.parameters().size(); ++i) {
    if (optimizer.parameters()[i].decays() == decays) indices.emplace_back(static_cast<int64_t>(i));
  }
  const Value decay(decays ? options.weight_decay : 0.0);
  Items items;
  // The reference's second group names its weight decay first.
  if (!decays) items.emplace_back(text("weight_decay"), decay);
  items.emplace_back(text("lr"), Value(rate));
  items.emplace_back(text("betas"), Value::tuple({Value(options.beta1), Value(options.beta2)}));
  items.emplace_back(text("eps"), Value(options.eps));
  if (decays) items.emplace_back(text("weight_decay"), decay);
  for (const char* flag : {"amsgrad", "maximize"}) items.emplace_back(text(flag), Value(false));
  items.emplace_back(text("foreach"), Value(None{}));
  for (const char* flag : {"capturable", "differentiable"})
    items.emplace_back(text(flag), Value(false));
  items.emplace_back(text("fused"), Value(None{}));
  items.emplace_back(text("decoupled_weight_decay"), Value(true));
  items.emplace_back(text("initial_lr"), Value(options.lr));
  items.emplace_back(text("params"), Value::list(std::move(indices)));
  return Value::dict(std::move(items));
}

}  // namespace

Value lightning_loops(int64_t steps, int64_t batches) {
  const Value no_batches = dict({{"total", counts(0, 0)}, {"current", counts(0, 0)}});
  return dict({{"fit_loop", fit_loop(steps, batches)},
               {"validate_loop", unused_loop()},
               {"test_loop", unused_loop()},
               {"predict_loop", dict({{"state_dict", empty()}, {"batch_progress", no_batches}})}});
}

Value lightning_callbacks(const std::string& path, int64_t steps, int64_t interval) {
  const std::string name =
      "ModelCheckpoint{'monitor': 'step', 'mode': 'max', 'every_n_train_steps': " +
      std::to_string(interval) + ", 'every_n_epochs': 0, 'train_time_interval': None}";
  const auto lowest = at::scalar_tensor(-std::numeric_limits<double>::infinity(), at::kFloat);
  const Value state = dict({{"monitor", text("step")},
                            {"best_model_score", integer_scalar(steps)},
                            {"best_model_path", Value(path)},
                            {"current_score", integer_scalar(steps)},
                            {"dirpath", Value(path.substr(0, path.find_last_of('/')))},
                            {"best_k_models", Value::dict({{Value(path), integer_scalar(steps)}})},
                            {"kth_best_model_path", text("")},
                            {"kth_value", Value(tensor::to_view(lowest))},
                            {"last_model_path", text("")}});
  return Value::dict({{Value(name), state}});
}

Value lightning_schedulers(int64_t steps, double base_rate, double rate) {
  const auto twice = [](double value) { return Value::list({Value(value), Value(value)}); };
  return Value::list({dict({{"base_lrs", twice(base_rate)},
                            {"last_epoch", Value(steps)},
                            {"_step_count", Value(steps + 1)},
                            {"_is_initial", Value(false)},
                            {"_get_lr_called_within_step", Value(false)},
                            {"_last_lr", twice(rate)},
                            {"lr_lambdas", Value::list({empty(), empty()})}})});
}

Value adamw_groups(const AdamW& optimizer, double rate) {
  return Value::list({group(optimizer, true, rate), group(optimizer, false, rate)});
}

}  // namespace koi::train
