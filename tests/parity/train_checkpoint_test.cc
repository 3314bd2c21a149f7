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

class Recorded {
 public:
  explicit Recorded(const Case& which) : which_(which), start_(pth_tensors(which.start)) {
    all_ = read_json(golden("lm/train/lora_trajectories.json"));
    run_ = all_.at(which.run);
    layout_ = read_json(golden(which.layout));
    unpack();
  }

  lm::DualAr model() const {
    return model_with_adapters(golden_lora(run_, start_), start_, which_.dtype);
  }

  // All recorded steps; the sum of their rates.
  double train(train::Trainer& trainer) const {
    const auto batches = all_.at("batches").get<size_t>();
    double rates = 0;
    for (const json& row : run_.at("rows")) {
      const size_t index = row.at("batch_idx").get<size_t>() % batches;
      trainer.add_batch(golden_batch("lm/train/batch" + std::to_string(index)));
      rates += trainer.update();
    }
    return rates;
  }

  const json& layout() const { return layout_; }
  const std::filesystem::path& file() const { return file_; }
  int64_t steps() const { return static_cast<int64_t>(run_.at("rows").size()); }

 private:
  // The .ckpt, unzipped if it lies there as .gz.
  void unpack() {
    for (const auto& entry : std::filesystem::directory_iterator(golden("lm/train"))) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with(std::string(which_.run) + "_step_")) continue;
      file_ = entry.path();
      if (!name.ends_with(".gz")) continue;
      file_ = folder_ / name.substr(0, name.size() - 3);
      const RunResult unzipped = run({"gzip", "-dc", entry.path().string()});
      ASSERT_EQ(unzipped.status, 0) << unzipped.err;
      base::write_file(file_, unzipped.out);
    }
    ASSERT_FALSE(file_.empty()) << "no checkpoint of " << which_.run;
  }

  Case which_;
  TempDir folder_;
  std::map<std::string, at::Tensor> start_;
  json all_, run_, layout_;
  std::filesystem::path file_;
};

train::Trainer make_trainer(lm::DualAr& model) {
  return train::Trainer(model, {}, {}, {}, tensor::make_generator(1));
}

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

// fp32: 1e-5. bfloat16: two roundings of the value (2^-8 of it each), and a whole run of steps in
// another direction for gradients so small that they are noise (Adam moves every value by about the
// rate, whatever the gradient's size).
TEST(RunCheckpointParity, ParametersAfterTheRun) {
  KOI_REQUIRE_GOLDEN("lm/train/lora_trajectories.json");
  for (const Case& which : kCases) {
    SCOPED_TRACE(which.run);
    if (!have_golden(which.start) || !have_golden(which.layout)) continue;
    const Recorded recorded(which);
    lm::DualAr model = recorded.model();
    train::Trainer trainer = make_trainer(model);
    const double rates = recorded.train(trainer);
    const auto expected = checkpoint::load_state_dict(recorded.file());
    size_t compared = 0;
    model.visit_lora([&](const std::string& name, at::Tensor& value) {
      const auto* view = checkpoint::find(expected, "model." + name);
      ASSERT_NE(view, nullptr) << name;
      const at::Tensor theirs = tensor::to_tensor(*view).to(at::kDouble);
      const at::Tensor distance = (value.detach().to(at::kDouble) - theirs).abs();
      const at::Tensor allowed =
          which.dtype == at::kFloat ? at::full_like(theirs, 1e-5) : theirs.abs() / 128 + rates;
      EXPECT_TRUE(distance.le(allowed).all().item<bool>())
          << name << ": " << distance.max().item<double>();
      ++compared;
    });
    EXPECT_EQ(compared, expected.size());
  }
}

// Everything but koi's own key, and is_last_batch (Lightning's run ended with its data), is what
// Lightning writes.
TEST(RunCheckpointParity, Layout) {
  KOI_REQUIRE_GOLDEN("lm/train/ckpt_layout_fp32.json");
  for (const Case& which : kCases) {
    SCOPED_TRACE(which.run);
    if (!have_golden(which.start) || !have_golden(which.layout)) continue;
    const Recorded recorded(which);
    json expected = recorded.layout();
    lm::DualAr model = recorded.model();
    train::Trainer trainer = make_trainer(model);
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
  KOI_REQUIRE_GOLDEN("lm/train/lora_trajectories.json");
  for (const Case& which : kCases) {
    SCOPED_TRACE(which.run);
    if (!have_golden(which.start) || !have_golden(which.layout)) continue;
    const Recorded recorded(which);
    lm::DualAr trained = recorded.model();
    train::Trainer unbroken = make_trainer(trained);
    recorded.train(unbroken);

    lm::DualAr fresh = recorded.model();
    train::Trainer resumed = make_trainer(fresh);
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
