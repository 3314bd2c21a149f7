#include "koi/codec_train/checkpoint.h"

#include "koi/base/error.h"
#include "koi/checkpoint/pth.h"
#include "koi/codec_train/same_codec.h"
#include "koi/tensor/bridge.h"

namespace koi::codec_train {
namespace {

using checkpoint::Value;
using Items = std::vector<std::pair<Value, Value>>;

Value text(const std::string& words) { return Value(words); }

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(ErrorKind::corrupt, where, what,
              "go on with the sizes that the run began with, or begin another project");
}

Value tensor_value(const at::Tensor& tensor) { return Value(tensor::to_view(tensor.detach())); }

Value optimizer_value(const train::AdamW* optimizer) {
  Items entries;
  for (size_t i = 0; optimizer != nullptr && i < optimizer->moments().size(); ++i) {
    const train::AdamW::Moments& moments = optimizer->moments()[i];
    if (!moments.exp_avg.defined()) continue;
    entries.emplace_back(text(optimizer->parameters()[i].name),
                         Value::dict({{text("step"), Value(moments.steps)},
                                      {text("exp_avg"), tensor_value(moments.exp_avg)},
                                      {text("exp_avg_sq"), tensor_value(moments.exp_avg_sq)}}));
  }
  return Value::dict(std::move(entries));
}

const Value& entry(const Value& value, const std::string& key, const std::string& where) {
  const Value* found = value.find(key);
  if (found == nullptr) fail(where, "lacks " + key);
  return *found;
}

int64_t count(const Value& value, const std::string& key, const std::string& where) {
  const auto* number = entry(value, key, where).get<int64_t>();
  if (number == nullptr || *number < 0) fail(where, key + " is no count");
  return *number;
}

// A tensor of that shape and type, in memory of the process's own.
at::Tensor tensor_of(const Value& value, const at::Tensor& like, const std::string& name,
                     const std::string& where) {
  const auto* view = value.get<checkpoint::TensorView>();
  if (view == nullptr || view->shape != like.sizes().vec())
    fail(where, name + " is missing or has another shape");
  return at::empty_like(like.detach()).copy_(tensor::to_tensor(*view));
}

void restore(train::AdamW* optimizer, const Value& value, const std::string& where) {
  const auto* entries = value.as_dict();
  if (entries == nullptr) fail(where, "an optimizer's state is damaged");
  size_t used = 0;
  for (size_t i = 0; optimizer != nullptr && i < optimizer->parameters().size(); ++i) {
    const train::Parameter& parameter = optimizer->parameters()[i];
    const Value* state = value.find(parameter.name);
    if (state == nullptr) continue;  // it had no gradient
    optimizer->moments()[i] = {.steps = count(*state, "step", where),
                               .exp_avg = tensor_of(entry(*state, "exp_avg", where),
                                                    parameter.value, parameter.name, where),
                               .exp_avg_sq = tensor_of(entry(*state, "exp_avg_sq", where),
                                                       parameter.value, parameter.name, where)};
    ++used;
  }
  if (used != entries->items.size()) fail(where, "an optimizer's state is of other parameters");
}

void restore_weights(Model& model, const Value& state, const std::string& where) {
  const auto* entries = state.as_dict();
  if (entries == nullptr) fail(where, "state_dict is damaged");
  size_t used = 0;
  model.visit([&](const std::string& name, at::Tensor& value) {
    value = tensor_of(entry(state, name, where), value, name, where);
    ++used;
  });
  if (used != entries->items.size()) fail(where, "holds tensors that this model has not");
}

Value place_value(const Trainer& trainer) {
  const Position at = trainer.position();
  Items steps;
  for (const Stage stage : kStages)
    steps.emplace_back(text(stage_name(stage)), Value(trainer.settings().of(stage).steps));
  return Value::dict({{text("step"), Value(at.step)},
                      {text("stage"), text(stage_name(at.stage))},
                      {text("stage_step"), Value(at.stage_step)},
                      {text("steps"), Value::dict(std::move(steps))},
                      {text("codec"), text(codec::config_yaml(trainer.settings().codec))},
                      {text("recordings"), text(trainer.recordings().key())}});
}

const std::string& words(const Value& value, const std::string& key, const std::string& where) {
  const auto* found = entry(value, key, where).get<std::string>();
  if (found == nullptr) fail(where, key + " is no text");
  return *found;
}

Position read_position(const Value& place, const std::string& where) {
  const std::string& name = words(place, "stage", where);
  for (const Stage stage : kStages) {
    if (name == stage_name(stage))
      return {.step = count(place, "step", where),
              .stage = stage,
              .stage_step = count(place, "stage_step", where)};
  }
  fail(where, "stage is none that koi knows");
}

// What was learnt in a stage that is over would not be learnt again.
void check_earlier_stages(const Value& place, Stage now, const Settings& settings,
                          const std::string& where) {
  const Value& steps = entry(place, "steps", where);
  for (const Stage stage : kStages) {
    const std::string name = stage_name(stage);
    const int64_t then = count(steps, name, where);
    if (stage >= now || settings.of(stage).steps == then) continue;
    throw Error(ErrorKind::config, "stages." + name + ".steps",
                "the run left this stage after " + std::to_string(then) + " steps",
                "set it to that, or begin another project");
  }
}

}  // namespace

void save_checkpoint(const base::fs::path& path, Trainer& trainer) {
  Items state;
  trainer.model().visit([&](const std::string& name, at::Tensor& value) {
    state.emplace_back(text(name), tensor_value(value));
  });
  checkpoint::save_pth(
      path, Value::dict({{text("koi"), place_value(trainer)},
                         {text("state_dict"), Value::dict(std::move(state), /*ordered=*/true)},
                         {text("optimizers"),
                          Value::dict({{text("codec"), optimizer_value(&trainer.codec_optimizer())},
                                       {text("discriminators"),
                                        optimizer_value(trainer.discriminator_optimizer())}})}}));
}

bool load_checkpoint(const base::fs::path& path, Trainer& trainer) {
  const std::string where = path.string();
  const Value root = checkpoint::load_pth(path);
  const Value& place = entry(root, "koi", where);
  require_same_codec(trainer.settings().codec, words(place, "codec", where), where);
  const Position position = read_position(place, where);
  check_earlier_stages(place, position.stage, trainer.settings(), where);
  restore_weights(trainer.model(), entry(root, "state_dict", where), where);
  trainer.restart_at(position);
  if (trainer.position() == position) {  // else the next stage begins with fresh optimizers
    const Value& optimizers = entry(root, "optimizers", where);
    restore(&trainer.codec_optimizer(), entry(optimizers, "codec", where), where);
    restore(trainer.discriminator_optimizer(), entry(optimizers, "discriminators", where), where);
  }
  return words(place, "recordings", where) == trainer.recordings().key();
}

}  // namespace koi::codec_train
