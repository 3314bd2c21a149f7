#include "koi/train/run_checkpoint.h"

#include "koi/base/error.h"
#include "koi/base/version.h"
#include "koi/checkpoint/pth.h"
#include "koi/tensor/bridge.h"
#include "koi/train/lightning.h"

namespace koi::train {
namespace {

using checkpoint::Value;
using Items = std::vector<std::pair<Value, Value>>;

constexpr std::string_view kPrefix = "model.";

[[noreturn]] void fail(const std::string& where, const std::string& what,
                       const std::string& remedy = {}) {
  throw Error(ErrorKind::corrupt, where, what, remedy);
}

Value key(const char* text) { return Value(std::string(text)); }

// In module order, whatever the optimizer's.
Value state_dict_of(const Trainer& trainer) {
  checkpoint::StateDict state;
  for (const Parameter& parameter : trainer.parameters()) {
    if (parameter.trained())
      state.emplace_back(std::string(kPrefix) + parameter.name,
                         tensor::to_view(parameter.value.detach()));
  }
  return checkpoint::from_state_dict(state);
}

Value optimizer_state(const Trainer& trainer) {
  Items state;
  const auto& moments = trainer.optimizer().moments();
  for (size_t i = 0; i < moments.size(); ++i) {
    if (!moments[i].exp_avg.defined()) continue;
    const auto steps = at::scalar_tensor(static_cast<double>(moments[i].steps), at::kFloat);
    state.emplace_back(
        Value(static_cast<int64_t>(i)),
        Value::dict({{key("step"), Value(tensor::to_view(steps))},
                     {key("exp_avg"), Value(tensor::to_view(moments[i].exp_avg))},
                     {key("exp_avg_sq"), Value(tensor::to_view(moments[i].exp_avg_sq))}}));
  }
  return Value::list(
      {Value::dict({{key("state"), Value::dict(std::move(state))},
                    {key("param_groups"), adamw_groups(trainer.optimizer(), trainer.rate())}})});
}

void restore_weights(const checkpoint::StateDict& state, Trainer& trainer,
                     const std::string& where) {
  const at::NoGradGuard no_grad;
  size_t used = 0;
  for (const Parameter& parameter : trainer.parameters()) {
    if (!parameter.trained()) continue;
    const auto* view = checkpoint::find(state, parameter.name);
    if (view == nullptr) {
      fail(where, "lacks " + parameter.name,
           "go on with the LoRA setting that the run began with, or begin another project");
    }
    const std::vector<int64_t> shape = parameter.value.sizes().vec();
    if (view->shape != shape) {
      fail(where,
           parameter.name + " has the shape " + checkpoint::shape_text(view->shape) +
               ", this run's is " + checkpoint::shape_text(shape),
           "go on with the rank and the base model that the run began with");
    }
    at::Tensor value = parameter.value;
    value.copy_(tensor::to_tensor(*view));
    ++used;
  }
  if (used != state.size()) {
    fail(where,
         "holds " + std::to_string(state.size()) + " tensors, this run trains " +
             std::to_string(used),
         "go on with the LoRA setting that the run began with, or begin another project");
  }
}

void restore_weights(const base::fs::path& path, Trainer& trainer,
                     const std::optional<lm::AdapterInfo>& adapter) {
  std::optional<lm::LoraConfig> lora;
  if (adapter) lora = adapter->lora;
  const lm::AdapterFile file = lm::load_adapter(path, lora);
  if (adapter) lm::check_base(file.info, adapter->base, path.string());
  restore_weights(file.tensors, trainer, path.string());
}

// A tensor of the parameter's shape, as memory of the process's own.
at::Tensor moment(const Value& entry, const char* name, const at::Tensor& like,
                  const std::string& where) {
  const Value* value = entry.find(name);
  const auto* view = value ? value->get<checkpoint::TensorView>() : nullptr;
  if (view == nullptr || view->shape != like.sizes().vec())
    fail(where, std::string("optimizer state: ") + name + " is missing or has another shape");
  return at::empty_like(like).copy_(tensor::to_tensor(*view));
}

void restore_optimizer(const Value& root, Trainer& trainer, const std::string& where) {
  const Value* states = root.find("optimizer_states");
  const auto* list = states ? states->as_list() : nullptr;
  if (list == nullptr || list->items.size() != 1) fail(where, "one optimizer state was expected");
  const Value* state = list->items[0].find("state");
  const auto* entries = state ? state->as_dict() : nullptr;
  if (entries == nullptr) fail(where, "the optimizer state is damaged");
  const auto& parameters = trainer.optimizer().parameters();
  auto& moments = trainer.optimizer().moments();
  for (const auto& [index_value, entry] : entries->items) {
    const auto* index = index_value.get<int64_t>();
    if (index == nullptr || *index < 0 || *index >= static_cast<int64_t>(parameters.size()) ||
        !parameters[static_cast<size_t>(*index)].trained()) {
      fail(where, "the optimizer state is of other parameters than this run's");
    }
    const at::Tensor like = parameters[static_cast<size_t>(*index)].value.detach();
    AdamW::Moments restored;
    restored.exp_avg = moment(entry, "exp_avg", like, where);
    restored.exp_avg_sq = moment(entry, "exp_avg_sq", like, where);
    const auto one = at::empty({}, at::kDouble);
    restored.steps = moment(entry, "step", one, where).item<int64_t>();
    moments[static_cast<size_t>(*index)] = restored;
  }
}

Value koi_value(const RunPosition& position, const Trainer& trainer,
                const std::optional<lm::AdapterInfo>& adapter) {
  Items items = position_value(position, trainer.generator()).as_dict()->items;
  if (adapter) items.emplace_back(key("adapter"), lm::adapter_value(*adapter));
  return Value::dict(std::move(items));
}

}  // namespace

std::optional<lm::AdapterInfo> describe_adapter(const Settings& settings) {
  if (!settings.lora) return std::nullopt;
  lm::AdapterInfo info{.lora = *settings.lora,
                       .base = {.path = settings.base_model.string()},
                       .koi_version = std::string(base::version())};
  if (settings.load_weights) info.base = lm::identify_base(settings.base_model, settings.tokenizer);
  return info;
}

void save_run_checkpoint(const base::fs::path& path, const Trainer& trainer,
                         const RunPosition& position, int64_t save_interval,
                         const std::optional<lm::AdapterInfo>& adapter) {
  const int64_t steps = trainer.step();
  const double base_rate = trainer.optimizer().options().lr;
  checkpoint::save_pth(
      path,
      Value::dict(
          {{key("epoch"), Value(int64_t{0})},
           {key("global_step"), Value(steps)},
           {key("pytorch-lightning_version"), key(kLightningVersion)},
           {key("state_dict"), state_dict_of(trainer)},
           {key("loops"), lightning_loops(steps, steps * trainer.options().accumulate_batches)},
           {key("callbacks"), lightning_callbacks(path.string(), steps, save_interval)},
           {key("optimizer_states"), optimizer_state(trainer)},
           {key("lr_schedulers"), lightning_schedulers(steps, base_rate, trainer.rate())},
           {key("koi"), koi_value(position, trainer, adapter)}}));
}

std::optional<RunPosition> load_run_checkpoint(const base::fs::path& path, Trainer& trainer,
                                               ResumePart part,
                                               const std::optional<lm::AdapterInfo>& adapter) {
  const std::string where = path.string();
  if (part == ResumePart::weights_only) {
    restore_weights(path, trainer, adapter);
    return std::nullopt;
  }
  const Value root = checkpoint::load_pth(path);
  if (root.find("state_dict") == nullptr) fail(where, "is no run checkpoint: it has no state_dict");
  restore_weights(path, trainer, adapter);

  const Value* step = root.find("global_step");
  const auto* steps = step ? step->get<int64_t>() : nullptr;
  if (steps == nullptr || *steps < 0) fail(where, "global_step is missing");
  restore_optimizer(root, trainer, where);
  trainer.set_step(*steps);
  const Value* position = root.find("koi");
  // Files of the reference have no position, those of koi before 0.1 another one.
  if (position == nullptr || position->find("data") == nullptr) return std::nullopt;
  return restore_position(*position, trainer.generator(), where);
}

}  // namespace koi::train
