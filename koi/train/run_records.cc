#include "koi/train/run_records.h"

#include "koi/train/report.h"

namespace koi::train {
namespace {

void put(std::vector<Scalar>& scalars, const std::string& prefix, const LossValues& values) {
  scalars.push_back({prefix + "loss", values.loss});
  scalars.push_back({prefix + "base_loss", values.base_loss});
  scalars.push_back({prefix + "semantic_loss", values.semantic_loss});
  scalars.push_back({prefix + "top_5_accuracy", values.top_5_accuracy});
  if (values.alignment_loss > 0)
    scalars.push_back({prefix + "alignment_loss", values.alignment_loss});
}

base::fs::path metrics_path(const Settings& settings) {
  return settings.run_folder / "metrics.jsonl";
}

}  // namespace

std::vector<Scalar> scalars_of(const Metrics& row) {
  std::vector<Scalar> scalars;
  if (row.train) {
    put(scalars, "train/", *row.train);
    scalars.push_back({"grad_norm", row.grad_norm});
    scalars.push_back({"lr", row.lr});
    if (row.epoch) scalars.push_back({"epoch", *row.epoch});
    scalars.push_back({"perf/tokens_per_s", row.tokens_per_s});
    scalars.push_back({"perf/flops_per_s", row.flops_per_s});
    scalars.push_back({"perf/gemm_share", row.gemm_share});
    scalars.push_back({"perf/memory_bytes", static_cast<double>(row.memory.resident_bytes)});
  }
  if (row.validation) {
    put(scalars, "val/", row.validation->losses);
    scalars.push_back({"val/loss_interval", row.validation->interval});
  }
  return scalars;
}

RunRecords::RunRecords(const Settings& settings, const RunStart& start)
    : settings_(settings), start_(start) {
  const base::fs::path metrics = metrics_path(settings);
  keep_metrics(metrics, start.step);
  rows_ = read_metrics(metrics);
  metrics_.emplace(metrics);
  if (settings.tensorboard_folder)
    events_.emplace(*settings.tensorboard_folder, start.step == 0 ? 0 : start.step + 1);
}

void RunRecords::add(Metrics& row) {
  if (row.train) {
    row.gemm_share = row.flops_per_s / start_.gemm_peak;
    row.memory = base::process_memory();
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - started_;
    row.time_left_s = spent.count() / static_cast<double>(row.step - start_.step) *
                      static_cast<double>(settings_.max_steps - row.step);
  }
  metrics_->append(metrics_line(row) + "\n");
  if (events_) events_->add(row.step, scalars_of(row));
  rows_.push_back(row);
}

void RunRecords::write_report() const {
  base::write_file(report_path(settings_), report_html(settings_, rows_, start_.notes));
}

void renew_report(const Settings& settings, const std::vector<std::string>& notes) {
  if (!base::fs::exists(metrics_path(settings))) return;
  const auto rows = read_metrics(metrics_path(settings));
  base::write_file(report_path(settings), report_html(settings, rows, notes));
}

}  // namespace koi::train
