// Run checkpoints against the reference's real Lightning files (lightning 2.6.6, torch 2.15): the
// parameters after a run (1e-5 absolute, as in the goldens' README), the layout, going on from a
// Lightning file.
#include <gtest/gtest.h>

#include <regex>

#include "koi/base/files.h"
#include "koi/train/run_checkpoint.h"
#include "tests/parity/train_goldens.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

using checkpoint::Value;

// The two recorded runs.
struct Case {
  const char* run;     // in lora_trajectories.json
  const char* start;   // adapter values that are not zero
  const char* layout;  // ckpt_layout_*.json
  at::ScalarType dtype;
};
const std::vector<Case> kCases{
    {"fp32", "lm/train/adapter_init_nonzero.pth", "lm/train/ckpt_layout_fp32.json", at::kFloat},
    {"bf16", "lm/train/bf16_adapter_init_nonzero.pth", "lm/train/ckpt_layout_bf16.json",
     at::kBFloat16}};

// One of them, as far as the set has it.
class Recorded {
 public:
  explicit Recorded(const Case& which) : which_(which) {
    for (const char* file : {which.start, which.layout, "lm/train/lora_trajectories.json"})
      KOI_REQUIRE_GOLDEN(file);
    all_ = read_json(golden("lm/train/lora_trajectories.json"));
    if (!have_model() || !has_part(all_, which.run)) return;
    for (int64_t i = 0; i < all_.at("batches"); ++i)
      if (!have_batch("lm/train/batch" + std::to_string(i))) return;
    start_ = pth_tensors(which.start);
    lora_ = golden_lora(all_, which.run, start_);
    layout_ = read_json(golden(which.layout));
    unpack();
  }

  bool is_there() const { return !file_.empty() && lora_.r > 0; }
  lm::DualAr model() const { return model_with_adapters(lora_, start_, which_.dtype); }

  train::Trainer trainer(lm::DualAr& model) const {
    // "float: 0.0001" of the first group, the only place that a short run's rate is in.
    const std::string text =
        layout_.at("optimizer_states").at(1).at("param_groups").at(1).at("initial_lr");
    const double lr = std::stod(text.substr(text.find(' ')));
    const RecordedRates rates = rates_of(run().at("lr_used"));
    return {model,
            {.lr = lr, .weight_decay = all_.at("param_groups").at(0).at("weight_decay")},
            {.warmup_steps = std::round(rates.warmup_steps * lr / rates.lr)},
            {},
            tensor::make_generator(1)};
  }

  // All recorded steps; the sum of their rates.
  double train(train::Trainer& trainer) const {
    const auto batches = all_.at("batches").get<size_t>();
    double rates = 0;
    for (const json& row : run().at("rows")) {
      const size_t index = row.at("batch_idx").get<size_t>() % batches;
      trainer.add_batch(golden_batch("lm/train/batch" + std::to_string(index)));
      rates += trainer.update();
    }
    return rates;
  }

  // What a parameter of the adapters was before the run.
  at::Tensor start_of(const std::string& name, const at::Tensor& like) const {
    const auto found = start_.find(name);
    return found == start_.end() ? at::zeros_like(like, at::kCPU) : found->second.to(like.dtype());
  }
  const json& layout() const { return layout_; }
  const std::filesystem::path& file() const { return file_; }
  int64_t steps() const { return static_cast<int64_t>(run().at("rows").size()); }

 private:
  const json& run() const { return all_.at(which_.run); }

  // The .ckpt, unzipped if it lies there as .gz.
  void unpack() {
    for (const NamedPart& part :
         find_goldens("lm/train", std::string(which_.run) + R"(_step_\d+\.ckpt(\.gz)?)")) {
      file_ = golden("lm/train/" + part.name);
      if (file_.extension() != ".gz") continue;
      const RunResult unzipped = test::run({"gzip", "-dc", file_.string()});
      ASSERT_EQ(unzipped.status, 0) << unzipped.err;
      file_ = folder_ / file_.stem().string();
      base::write_file(file_, unzipped.out);
    }
  }

  Case which_;
  TempDir folder_;
  std::map<std::string, at::Tensor> start_;
  lm::LoraConfig lora_{.r = 0};
  json all_, layout_;
  std::filesystem::path file_;
};

// A value in the notation of ckpt_layout_*.json.
json describe(const Value& value);

std::string describe_tensor(const checkpoint::TensorView& view) {
  static const std::map<checkpoint::DType, std::string> names{{checkpoint::DType::f32, "float32"},
                                                              {checkpoint::DType::bf16, "bfloat16"},
                                                              {checkpoint::DType::i64, "int64"},
                                                              {checkpoint::DType::u8, "uint8"}};
  return "tensor " + names.at(view.dtype) + " " + checkpoint::shape_text(view.shape);
}

std::string describe_float(double number) {
  std::string text = json(number).dump();
  return "float: " + text;
}

json describe_items(const char* kind, const std::vector<Value>& items) {
  json out = json::array({kind});
  bool integers = items.size() > 8;
  for (const Value& item : items) {
    integers = integers && item.get<int64_t>() != nullptr;
    out.push_back(describe(item));
  }
  if (!integers) return out;
  return std::string(kind) + " of " + std::to_string(items.size()) + " ints " +
         std::to_string(*items.front().get<int64_t>()) + ".." +
         std::to_string(*items.back().get<int64_t>());
}

json describe(const Value& value) {
  if (value.is_none()) return "NoneType: None";
  if (const auto* flag = value.get<bool>())
    return std::string("bool: ") + (*flag ? "True" : "False");
  if (const auto* number = value.get<int64_t>()) return "int: " + std::to_string(*number);
  if (const auto* number = value.get<double>()) return describe_float(*number);
  if (const auto* text = value.get<std::string>()) {
    return text->starts_with("/") ? "str: <absolute path>" : "str: '" + *text + "'";
  }
  if (const auto* view = value.get<checkpoint::TensorView>()) return describe_tensor(*view);
  if (const auto* list = value.as_list()) return describe_items("list", list->items);
  if (const auto* tuple = value.as_tuple()) return describe_items("tuple", tuple->items);
  json out = json::object();
  for (const auto& [key, entry] : value.as_dict()->items) {
    const auto* text = key.get<std::string>();
    const auto* number = key.get<int64_t>();
    out[text ? (text->starts_with("/") ? "<absolute path>" : *text)
             : "int:" + std::to_string(*number)] = describe(entry);
  }
  return out;
}

// Compared are every value and the way that all of them went. fp32: 1e-5 of a value, 1e-4 of the
// way (found: 2e-6). bfloat16: two roundings of a value (2^-8 of it each) and a run of steps in the
// opposite direction for gradients so small that they are noise (Adam moves every value by about
// the rate, whatever the gradient's size); those are few: 0.15 of the way (found: 0.02 to 0.06).
TEST(RunCheckpointParity, ParametersAfterTheRun) {
  for (const Case& which : kCases) {
    SCOPED_TRACE(which.run);
    const Recorded recorded(which);
    if (!recorded.is_there()) continue;
    lm::DualAr model = recorded.model();
    train::Trainer trainer = recorded.trainer(model);
    const double rates = recorded.train(trainer);
    const auto expected = checkpoint::load_state_dict(recorded.file());
    const bool fp32 = which.dtype == at::kFloat;
    size_t compared = 0;
    double distances = 0, ways = 0;  // sums of squares
    model.visit_lora([&](const std::string& name, at::Tensor& value) {
      const auto* view = checkpoint::find(expected, "model." + name);
      ASSERT_NE(view, nullptr) << name;
      const at::Tensor theirs = tensor::to_tensor(*view).to(at::kDouble);
      const at::Tensor distance = (value.detach().to(at::kCPU, at::kDouble) - theirs).abs();
      const at::Tensor allowed =
          fp32 ? at::full_like(theirs, 1e-5) : theirs.abs() / 128 + 2 * rates;
      EXPECT_TRUE(distance.le(allowed).all().item<bool>())
          << name << ": " << distance.max().item<double>();
      const at::Tensor way = theirs - recorded.start_of(name, value).to(at::kDouble);
      distances += distance.square().sum().item<double>();
      ways += way.square().sum().item<double>();
      ++compared;
    });
    EXPECT_EQ(compared, expected.size());
    EXPECT_LE(std::sqrt(distances / ways), fp32 ? 1e-4 : 0.15);
  }
}

// Everything but koi's own key, and is_last_batch (Lightning's run ended with its data), is what
// Lightning writes.
TEST(RunCheckpointParity, Layout) {
  for (const Case& which : kCases) {
    SCOPED_TRACE(which.run);
    const Recorded recorded(which);
    if (!recorded.is_there()) continue;
    json expected = recorded.layout();
    lm::DualAr model = recorded.model();
    train::Trainer trainer = recorded.trainer(model);
    recorded.train(trainer);
    const TempDir folder;
    const auto path = folder / "step_1.ckpt";
    const std::regex interval("'every_n_train_steps': ([0-9]+)");
    const std::string callback = expected.at("callbacks").begin().key();
    std::smatch match;
    ASSERT_TRUE(std::regex_search(callback, match, interval));
    train::save_run_checkpoint(path, trainer, {}, std::stoll(match[1]));

    json found = describe(checkpoint::load_pth(path));
    EXPECT_EQ(found.erase("koi"), 1u);
    json& progress = expected["loops"]["fit_loop"]["epoch_loop.batch_progress"];
    progress["is_last_batch"] = "bool: False";
    EXPECT_EQ(found, expected) << json::diff(expected, found).dump(1);
  }
}

TEST(RunCheckpointParity, GoesOnFromALightningFile) {
  for (const Case& which : kCases) {
    SCOPED_TRACE(which.run);
    const Recorded recorded(which);
    if (!recorded.is_there()) continue;
    lm::DualAr trained = recorded.model();
    train::Trainer unbroken = recorded.trainer(trained);
    recorded.train(unbroken);

    lm::DualAr fresh = recorded.model();
    train::Trainer resumed = recorded.trainer(fresh);
    const auto place =
        train::load_run_checkpoint(recorded.file(), resumed, train::ResumePart::everything);
    EXPECT_FALSE(place.has_value());
    EXPECT_EQ(resumed.step(), recorded.steps());

    // The next step is that of the unbroken run, so the optimizer's state is right, too.
    const train::Batch batch = golden_batch("lm/train/batch0");
    const double tolerance = which.dtype == at::kFloat ? 1e-4 : 3e-2;
    const auto a = unbroken.add_batch(batch), b = resumed.add_batch(batch);
    expect_relative(b.losses.loss, a.losses.loss, tolerance, "loss");
    expect_relative(b.grad_norm, a.grad_norm, tolerance, "grad norm");
    EXPECT_EQ(unbroken.update(), resumed.update());
    const auto& mine = unbroken.optimizer().moments();
    const auto& theirs = resumed.optimizer().moments();
    for (size_t i = 0; i < mine.size(); ++i) {
      ASSERT_EQ(mine[i].exp_avg.defined(), theirs[i].exp_avg.defined());
      if (!mine[i].exp_avg.defined()) continue;
      EXPECT_EQ(mine[i].steps, theirs[i].steps);
      EXPECT_LE(relative_distance(theirs[i].exp_avg, mine[i].exp_avg), 10 * tolerance);
      EXPECT_LE(relative_distance(theirs[i].exp_avg_sq, mine[i].exp_avg_sq), 10 * tolerance);
    }
  }
}

}  // namespace
}  // namespace koi::test
