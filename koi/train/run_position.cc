#include "koi/train/run_position.h"

#include "koi/base/error.h"
#include "koi/tensor/bridge.h"

namespace koi::train {
namespace {

using checkpoint::Value;

Value key(const char* text) { return Value(std::string(text)); }

Value value_of(const base::RandomState& state) {
  const auto words = at::empty({static_cast<int64_t>(state.words.size())}, at::kLong);
  std::copy(state.words.begin(), state.words.end(), words.mutable_data_ptr<int64_t>());
  return Value::dict({{key("words"), Value(tensor::to_view(words))},
                      {key("position"), Value(static_cast<int64_t>(state.position))}});
}

class Restorer {
 public:
  explicit Restorer(const std::string& where) : where_(where) {}

  const Value& entry(const Value& value, const char* name) const {
    const Value* found = value.find(name);
    if (found == nullptr) fail(std::string("lacks ") + name);
    return *found;
  }

  int64_t integer(const Value& value, const char* name) const {
    const auto* number = entry(value, name).get<int64_t>();
    if (number == nullptr || *number < 0) fail(std::string(name) + " is no count");
    return *number;
  }

  at::Tensor tensor(const Value& value, const char* name, at::ScalarType type) const {
    const auto* view = entry(value, name).get<checkpoint::TensorView>();
    if (view == nullptr || view->shape.size() != 1) fail(std::string(name) + " is no vector");
    const at::Tensor found = tensor::to_tensor(*view);
    if (found.scalar_type() != type) fail(std::string(name) + " has a wrong type");
    return found.contiguous();
  }

  base::RandomState random(const Value& value) const {
    const at::Tensor words = tensor(value, "words", at::kLong);
    base::RandomState state;
    for (int64_t i = 0; i < words.numel(); ++i)
      state.words.push_back(static_cast<uint32_t>(words.const_data_ptr<int64_t>()[i]));
    state.position = static_cast<uint32_t>(integer(value, "position"));
    return state;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::corrupt, where_, "the place of the run is damaged: " + what);
  }

 private:
  const std::string& where_;
};

Value value_of(const dataset::EpochPosition& place) {
  return Value::dict({{key("epoch"), Value(static_cast<int64_t>(place.epoch))},
                      {key("row"), Value(static_cast<int64_t>(place.row))}});
}

Value value_of(const dataset::BatchSourceState& place) {
  std::vector<Value> samplers;
  for (const dataset::SamplerState& sampler : place.samplers) {
    samplers.push_back(Value::dict({{key("python"), value_of(sampler.python)},
                                    {key("torch"), value_of(sampler.torch)},
                                    {key("picks"), Value(static_cast<int64_t>(sampler.picks))}}));
  }
  return Value::dict({{key("batches"), Value(static_cast<int64_t>(place.batches))},
                      {key("samplers"), Value::list(std::move(samplers))}});
}

DataPlace restore_data(const Value& value, const Restorer& restorer) {
  if (value.find("epoch") != nullptr) {
    return dataset::EpochPosition{.epoch = static_cast<uint64_t>(restorer.integer(value, "epoch")),
                                  .row = static_cast<uint64_t>(restorer.integer(value, "row"))};
  }
  dataset::BatchSourceState state;
  state.batches = static_cast<uint64_t>(restorer.integer(value, "batches"));
  const auto* samplers = restorer.entry(value, "samplers").as_list();
  if (samplers == nullptr) restorer.fail("samplers is no list");
  for (const Value& sampler : samplers->items) {
    state.samplers.push_back({restorer.random(restorer.entry(sampler, "python")),
                              restorer.random(restorer.entry(sampler, "torch")),
                              static_cast<uint64_t>(restorer.integer(sampler, "picks"))});
  }
  return state;
}

}  // namespace

Value position_value(const RunPosition& position, const at::Generator& dropout) {
  const BestStep& best = position.best;
  return Value::dict(
      {{key("data"), std::visit([](const auto& place) { return value_of(place); }, position.data)},
       {key("best"), Value::dict({{key("step"), Value(best.step)},
                                  {key("val_loss"), Value(best.val_loss)},
                                  {key("worse_since"), Value(best.worse_since)}})},
       {key("world_size"), Value(position.world_size)},
       {key("dropout"), Value(tensor::to_view(dropout.get_state()))}});
}

RunPosition restore_position(const Value& value, at::Generator& dropout, const std::string& where) {
  const Restorer restorer(where);
  RunPosition position{.data = restore_data(restorer.entry(value, "data"), restorer), .best = {}};
  const Value& best = restorer.entry(value, "best");
  const auto* val_loss = restorer.entry(best, "val_loss").get<double>();
  if (val_loss == nullptr) restorer.fail("val_loss is no number");
  position.best = {.step = restorer.integer(best, "step"),
                   .val_loss = *val_loss,
                   .worse_since = restorer.integer(best, "worse_since")};
  position.world_size = restorer.integer(value, "world_size");
  const at::Tensor stored = restorer.tensor(value, "dropout", at::kByte);
  if (stored.numel() == dropout.get_state().numel()) dropout.set_state(stored.clone());
  return position;
}

}  // namespace koi::train
