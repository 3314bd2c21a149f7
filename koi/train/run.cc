#include "koi/train/run.h"

#include <chrono>

#include "koi/base/interrupt.h"
#include "koi/base/leftovers.h"
#include "koi/tensor/gemm_peak.h"
#include "koi/tensor/random.h"
#include "koi/train/checkpoint_files.h"
#include "koi/train/run_checkpoint.h"
#include "koi/train/run_data.h"
#include "koi/train/run_folder.h"
#include "koi/train/run_model.h"
#include "koi/train/run_records.h"
#include "koi/train/step.h"
#include "koi/train/step_flops.h"

namespace koi::train {
namespace {

using Clock = std::chrono::steady_clock;

void tell(const RunEvents& events, const std::string& line) {
  if (events.note) events.note(line);
}

class Run {
 public:
  Run(const Settings& settings, at::Device device, const RunEvents& events, ProcessGroup& group)
      : settings_(settings),
        events_(events),
        group_(group),
        adapter_(describe_adapter(settings)),
        model_(load_run_model(settings, device)),
        data_(settings, text::Tokenizer::load(settings.tokenizer), model_.config().num_codebooks,
              {.rank = group.rank(), .world_size = group.size()}),
        trainer_(model_, settings.optimizer, settings.schedule,
                 trainer_options(settings, model_, data_, events.note),
                 tensor::make_generator(stream_seed(settings, Stream::dropout), device)) {}

  RunResult go() {
    if (adapter_) group_.require_same("the base model", adapter_->base.weights_hash);
    const bool resumed = resume();
    if (group_.is_first()) {
      // Not before: a run that is refused leaves no folder.
      hold_run_folder(lock_, settings_.run_folder);
      base::make_folder(settings_.checkpoint_folder);
      base::remove_leftovers(settings_.checkpoint_folder);
      base::remove_leftovers(settings_.run_folder);
      base::remove_leftovers(sample().parent_path());
      // The run may have been killed before it had spoken.
      if (resumed && is_validated() && !base::fs::exists(sample())) speak();
    }
    if (is_complete()) {
      if (group_.is_first()) renew_report(settings_, data_.notes());
      tell(events_,
           "nothing to do: the run is complete; raise trainer.max_steps or "
           "trainer.early_stopping.patience to train on");
      return result();
    }
    if (group_.is_first()) open_records(resumed);
    bool stopped = false;
    while (!stopped && !is_complete()) {
      const Metrics row = do_step();
      const bool better = is_validated() && best_.add(row.step, shared_val_loss(row));
      const bool is_saved = better || is_complete() || is_due(settings_.save_interval);
      if (group_.is_first()) {
        record(row);
        if (is_saved) save();
        if (is_validated()) speak();
      }
      // After the sample, which a stop cuts short: the same call speaks it.
      stopped = group_.any(base::stop_requested());
      if (!group_.is_first()) continue;
      if (stopped && !is_saved) save();
      if (row.validation || stopped || is_complete()) records_->write_report();
    }
    group_.barrier();  // the first rank has written its last checkpoint
    RunResult done = result();
    done.stopped = stopped && !is_complete();
    return done;
  }

 private:
  bool is_complete() const { return trainer_.step() >= settings_.max_steps || has_ended_early(); }
  bool has_ended_early() const {
    return settings_.patience > 0 && best_.worse_since >= settings_.patience;
  }

  // Where the run goes on; true if it does.
  bool resume() {
    const auto saved = list_checkpoints(settings_.checkpoint_folder);
    group_.require_same("the newest checkpoint", saved.empty() ? "" : saved.back().filename());
    if (saved.empty() && !settings_.resume_from) return false;
    const base::fs::path path = saved.empty() ? *settings_.resume_from : saved.back();
    const bool weights_only = saved.empty() && settings_.resume_weights_only;
    const auto position = load_run_checkpoint(
        path, trainer_, weights_only ? ResumePart::weights_only : ResumePart::everything, adapter_);
    if (position) {
      data_.restore(position->data);
      if (!saved.empty()) best_ = position->best;  // another run validated on other sentences
      tell_world_size(position->world_size);
    }
    tell(events_, weights_only ? "weights from " + path.string()
                               : "going on after step " + std::to_string(trainer_.step()) +
                                     " from " + path.string());
    if (!position && !weights_only) {
      tell(events_,
           "note: this checkpoint is the reference's or an early koi's: its base is not checked, "
           "and the data starts anew");
    }
    // What a run that was killed right after a checkpoint could not do any more.
    if (group_.is_first() && !saved.empty()) tidy_checkpoints();
    return trainer_.step() > 0;
  }

  void tell_world_size(int64_t saved) const {
    if (saved == group_.size()) return;
    tell(events_, "note: the run was of " + std::to_string(saved) + " processes and goes on with " +
                      std::to_string(group_.size()) +
                      ": the data goes on where it was, a step has other batches");
  }

  void open_records(bool resumed) {
    for (const std::string& note : data_.notes()) tell(events_, note);
    if (events_.start) events_.start(trainer_.step());
    const at::ScalarType products = product_dtype(effective_precision(settings_, model_.device()));
    records_.emplace(settings_,
                     RunStart{.step = trainer_.step(),
                              .gemm_peak = tensor::measure_gemm_peak(products, model_.device()),
                              .notes = data_.notes()});
    if (settings_.val_before_train && !data_.validation().empty() && !resumed)
      record({.step = 0, .validation = validate()});
    if (trainer_.step() == 0 && settings_.val_before_train) speak();
  }

  base::fs::path sample() const { return sample_path(settings_.run_folder, trainer_.step()); }

  void speak() {
    if (!events_.speak || !speaks_) return;
    std::optional<SampleSentence> sentence = data_.sample_sentence();
    if (!settings_.samples.text.empty()) sentence = {settings_.samples.text};
    if (!sentence) return;
    base::make_folder(sample().parent_path());
    try {
      events_.speak({.model = model_,
                     .text = sentence->text,
                     .max_frames = 2 * sentence->frames,
                     .wav = sample()});
    } catch (const base::Interrupted&) {
      // The run ends here; the same call speaks it.
    } catch (const std::exception& error) {  // torch's too, whose first line says what happened
      speaks_ = false;
      const std::string reason = error.what();
      tell(events_, "note: no samples are spoken: " + reason.substr(0, reason.find('\n')));
    }
  }

  void record(Metrics row) {
    records_->add(row);
    if (events_.step) events_.step(row);
  }

  // Each step of each rank draws its dropout anew: checkpoints hold the first rank's generator
  // only.
  void seed_dropout() {
    const auto step = static_cast<uint64_t>(trainer_.step());
    trainer_.generator().set_current_seed(
        step_seed(settings_, {step, static_cast<uint64_t>(group_.rank())}));
  }

  Metrics do_step() {
    const auto start = Clock::now();
    const std::vector<Batch> batches = data_.next_step();
    if (group_.size() > 1) seed_dropout();
    const StepResult result = take_step(trainer_, batches, settings_.loss_reduction, group_);
    Metrics row{.step = trainer_.step(),
                .epoch = data_.epoch(),
                .train = result.losses,
                .grad_norm = result.grad_norm,
                .lr = result.lr,
                .tokens = result.tokens};
    const std::chrono::duration<double> spent = Clock::now() - start;
    row.tokens_per_s = static_cast<double>(row.tokens) / spent.count();
    StepFlops flops;
    for (const Batch& batch : batches)
      flops +=
          count_flops(model_, batch, trainer_.options().recompute, trainer_.options().fast_frames);
    row.flops_per_s = flops.needed() / spent.count();
    if (is_validated() && group_.is_first()) row.validation = validate();
    return row;
  }

  bool is_due(int64_t interval) const {
    return trainer_.step() % interval == 0 || trainer_.step() == settings_.max_steps;
  }

  bool is_validated() const {
    return !data_.validation().empty() && is_due(settings_.val_interval);
  }

  // The first rank's, so that all decide alike.
  double shared_val_loss(const Metrics& row) {
    return group_.sum_numbers({row.validation ? row.validation->losses.loss : 0.0}).front();
  }

  HeldOutLosses validate() const {
    if (data_.held_out()) return evaluate_sentences(trainer_, data_.validation());
    return {.losses = trainer_.evaluate(data_.validation())};
  }

  void save() {
    save_run_checkpoint(checkpoint_path(settings_.checkpoint_folder, trainer_.step()), trainer_,
                        {.data = data_.place(), .best = best_, .world_size = group_.size()},
                        settings_.save_interval, adapter_);
    tidy_checkpoints();
  }

  void tidy_checkpoints() const {
    link_best(settings_.checkpoint_folder, best_.step);
    prune_checkpoints(
        settings_.checkpoint_folder,
        {.newest = settings_.save_top_k, .interval = settings_.save_interval, .best = best_.step});
  }

  RunResult result() const {
    const auto files = list_checkpoints(settings_.checkpoint_folder);
    return {.steps = trainer_.step(),
            .stopped = false,
            .ended_early = has_ended_early(),
            .checkpoint = files.empty() ? base::fs::path() : files.back(),
            .best = best_};
  }

  const Settings& settings_;
  const RunEvents& events_;
  ProcessGroup& group_;
  std::optional<lm::AdapterInfo> adapter_;
  lm::DualAr model_;
  RunData data_;
  Trainer trainer_;
  BestStep best_;
  bool speaks_ = settings_.samples.speak;
  std::optional<RunRecords> records_;  // of the first rank only
  base::FolderLock lock_;
};

void tell_ranks(const Settings& settings, at::Device device, const RunEvents& events,
                const ProcessGroup& group) {
  if (group.size() == 1) return;
  const bool nccl = effective_backend(settings, device) == Backend::nccl;
  std::string line = std::to_string(group.size()) + " processes over " + (nccl ? "nccl" : "gloo");
  if (!nccl && settings.ranks.nccl) line += " (nccl is for GPUs)";
  tell(events, line);
}

}  // namespace

Backend effective_backend(const Settings& settings, at::Device device) {
  return settings.ranks.nccl && !device.is_cpu() ? Backend::nccl : Backend::gloo;
}

RunResult run(const Settings& settings, at::Device device, const RunEvents& events,
              ProcessGroup* group) {
  ProcessGroup alone(base::Launch{}, {});
  ProcessGroup& ranks = group != nullptr ? *group : alone;
  tell(events, describe_precision(settings, device));
  tell_ranks(settings, device, events, ranks);
  return Run(settings, device, events, ranks).go();
}

}  // namespace koi::train
