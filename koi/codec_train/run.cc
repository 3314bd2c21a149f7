#include "koi/codec_train/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "koi/base/interrupt.h"
#include "koi/base/leftovers.h"
#include "koi/checkpoint/codec_file.h"
#include "koi/codec/init.h"
#include "koi/codec_train/checkpoint.h"
#include "koi/train/checkpoint_files.h"
#include "koi/train/run_folder.h"

namespace koi::codec_train {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Run {
 public:
  Run(const Settings& settings, const RunEvents& events)
      : settings_(settings),
        events_(events),
        recordings_(
            settings, settings.run_folder / "data", [this](const std::string& line) { note(line); },
            preparing("recordings")),
        trainer_(settings, recordings_, settings.run_folder / "data/codes", preparing("codes")) {}

  RunResult go() {
    describe_data();
    base::make_folder(settings_.checkpoint_folder);
    base::remove_leftovers(settings_.checkpoint_folder);
    base::remove_leftovers(settings_.run_folder);
    resume();
    if (events_.start) events_.start();
    bool stopped = false;
    if (trainer_.is_complete()) {
      tell(fmt::format("nothing to do: the run is complete; raise stages.{}.steps to train on",
                       stage_name(trainer_.position().stage)));
    } else {
      records_.emplace(settings_, trainer_.position().step);
      do {  // a step at least, however long the preparation took
        try {
          do_step();
        } catch (const base::Interrupted&) {  // while the recordings were encoded
        }
        stopped = base::stop_requested();
      } while (!trainer_.is_complete() && !stopped && !time_is_up());
      if (!trainer_.is_complete()) save();
    }
    write_codec();
    write_report(settings_, notes_);
    return {.steps = trainer_.position().step,
            .complete = trainer_.is_complete(),
            .stopped = stopped,
            .codec = codec_path()};
  }

 private:
  void tell(const std::string& line) const {
    if (events_.note) events_.note(line);
  }
  void note(const std::string& line) {
    notes_.push_back(line);
    tell(line);
  }

  Recordings::Prepared preparing(const char* what) const {
    return [this, what](size_t done, size_t of) {
      if (events_.prepared) events_.prepared(what, done, of);
    };
  }

  void describe_data() {
    note(fmt::format(
        "{} recordings to train on ({:.1f} min), {} to validate; sound up to {:.0f} Hz, "
        "{} mel bins count",
        recordings_.training().size(), recordings_.seconds() / 60, recordings_.held_out().size(),
        trainer_.mel_band_hz(), trainer_.mel_bins()));
  }

  void resume() {
    const auto saved = train::list_checkpoints(settings_.checkpoint_folder);
    if (saved.empty()) return;
    if (!load_checkpoint(saved.back(), trainer_))
      note(
          "these are not the recordings that the run went on with before (or their names, sizes "
          "or times have changed): some that are held out now may have been trained on");
    tell("going on after step " + std::to_string(trainer_.position().step) + " from " +
         saved.back().string());
  }

  bool time_is_up() const {
    return settings_.max_minutes > 0 && seconds_since(start_) >= 60 * settings_.max_minutes;
  }

  void do_step() {
    const Clock::time_point start = Clock::now();
    const Position before = trainer_.position();
    Row row{.step = before.step + 1, .stage = before.stage, .stage_step = before.stage_step + 1};
    row.train = trainer_.step();
    const StageSettings& stage = settings_.of(before.stage);
    const double spent = seconds_since(start);
    const auto samples = static_cast<double>(stage.batch_size * stage.columns *
                                             settings_.codec.samples_per_column());
    row.audio_rate =
        samples / static_cast<double>(settings_.codec.spec_transform.sample_rate) / spent;
    // The first step of a stage prepares it: the second begins the mean anew.
    mean_step_s_ = timed_steps_++ < 2 ? spent : 0.95 * mean_step_s_ + 0.05 * spent;
    row.time_left_s = mean_step_s_ * static_cast<double>(stage.steps - row.stage_step);
    const bool ends_stage = trainer_.ends_stage();
    if (ends_stage) timed_steps_ = 0;
    const bool validated = ends_stage || row.step % settings_.val_interval == 0;
    if (validated) row.validation = validate(trainer_, row.stage, settings_, recordings_);
    records_->add(row);
    if (events_.step) events_.step(row);
    if (validated) show(row);
    if (ends_stage || row.step % settings_.save_interval == 0) save();
  }

  void show(const Row& row) {
    if (row.stage != Stage::encoder)
      write_sample(trainer_, recordings_,
                   {.wav = train::sample_path(settings_.run_folder, row.step),
                    .original = settings_.run_folder / "samples/original.wav"});
    write_report(settings_, notes_);
  }

  void save() {
    save_checkpoint(train::checkpoint_path(settings_.checkpoint_folder, trainer_.position().step),
                    trainer_);
    train::prune_checkpoints(settings_.checkpoint_folder,
                             {.newest = settings_.save_top_k, .interval = settings_.save_interval});
    write_codec();
  }

  base::fs::path codec_path() const {
    return settings_.run_folder / "codec" / checkpoint::kPublishedCodec;
  }
  void write_codec() {
    base::make_folder(settings_.run_folder / "codec");
    codec::write_codec(trainer_.model().codec, codec_path(), settings_.dtype);
  }

  const Settings& settings_;
  const RunEvents& events_;
  std::vector<std::string> notes_;
  Recordings recordings_;
  Trainer trainer_;
  std::optional<Records> records_;
  Clock::time_point start_ = Clock::now();
  double mean_step_s_ = 0;   // lately
  int64_t timed_steps_ = 0;  // of this stage
};

}  // namespace

RunResult run(const Settings& settings, const RunEvents& events) {
  base::FolderLock lock;
  train::hold_run_folder(lock, settings.run_folder);
  return Run(settings, events).go();
}

}  // namespace koi::codec_train
