#include "koi/codec_train/records.h"

#include <nlohmann/json.hpp>

#include "koi/base/process_memory.h"
#include "koi/train/metrics.h"

namespace koi::codec_train {
namespace {

base::fs::path metrics_path(const Settings& settings) {
  return settings.run_folder / "metrics.jsonl";
}

std::vector<train::Scalar> scalars_of(const Row& row) {
  std::vector<train::Scalar> scalars;
  for (const auto& [name, value] : row.train) scalars.push_back({"train/" + name, value});
  scalars.push_back({"perf/audio_rate", row.audio_rate});
  if (!row.validation) return scalars;
  for (const auto& [name, value] : row.validation->values)
    scalars.push_back({"val/" + name, value});
  for (size_t k = 0; k < row.validation->usage.size(); ++k)
    scalars.push_back({"val/perplexity_" + std::to_string(k), row.validation->usage[k].perplexity});
  return scalars;
}

}  // namespace

std::string metrics_line(const Row& row) {
  nlohmann::ordered_json json = {
      {"step", row.step}, {"stage", stage_name(row.stage)}, {"stage_step", row.stage_step}};
  for (const auto& [name, value] : row.train) json[name] = value;
  json["audio_rate"] = row.audio_rate;
  json["time_left_s"] = row.time_left_s;
  json["memory_bytes"] = base::process_memory().resident_bytes;
  if (row.validation) {
    for (const auto& [name, value] : row.validation->values) json["val_" + name] = value;
    for (const CodeUsage& usage : row.validation->usage) {
      json["codes_distinct"].push_back(usage.distinct);
      json["codes_perplexity"].push_back(usage.perplexity);
    }
  }
  return json.dump();
}

Records::Records(const Settings& settings, int64_t step) {
  train::keep_metrics(metrics_path(settings), step);
  metrics_.emplace(metrics_path(settings));
  events_.emplace(settings.run_folder / "tensorboard", step == 0 ? 0 : step + 1);
}

void Records::add(const Row& row) {
  metrics_->append(metrics_line(row) + "\n");
  events_->add(row.step, scalars_of(row));
}

}  // namespace koi::codec_train
