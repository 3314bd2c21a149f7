#include "koi/train/metrics.h"

#include <nlohmann/json.hpp>

namespace koi::train {
namespace {

using Json = nlohmann::ordered_json;

void put(Json& row, const std::string& prefix, const LossValues& values) {
  row[prefix + "loss"] = values.loss;
  row[prefix + "base_loss"] = values.base_loss;
  row[prefix + "semantic_loss"] = values.semantic_loss;
  if (values.alignment_loss > 0) row[prefix + "alignment_loss"] = values.alignment_loss;
  row[prefix + "top_5_accuracy"] = values.top_5_accuracy;
}

// A number of a row; `otherwise` where it has none under this key.
double number(const Json& row, const std::string& key, double otherwise = 0) {
  const auto found = row.find(key);
  return found != row.end() && found->is_number() ? found->get<double>() : otherwise;
}

int64_t integer(const Json& row, const std::string& key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

std::optional<LossValues> losses(const Json& row, const std::string& prefix) {
  const auto loss = row.find(prefix + "loss");
  if (loss == row.end() || !loss->is_number()) return std::nullopt;
  return LossValues{.loss = loss->get<double>(),
                    .base_loss = number(row, prefix + "base_loss"),
                    .semantic_loss = number(row, prefix + "semantic_loss"),
                    .top_5_accuracy = number(row, prefix + "top_5_accuracy"),
                    .alignment_loss = number(row, prefix + "alignment_loss")};
}

Metrics to_metrics(const Json& row) {
  Metrics metrics{.step = integer(row, "step"),
                  .train = losses(row, ""),
                  .grad_norm = number(row, "grad_norm"),
                  .lr = number(row, "lr"),
                  .tokens = integer(row, "tokens"),
                  .tokens_per_s = number(row, "tokens_per_s"),
                  .flops_per_s = number(row, "flops_per_s"),
                  .gemm_share = number(row, "gemm_share"),
                  .memory = {.resident_bytes = integer(row, "memory_bytes"),
                             .peak_bytes = integer(row, "peak_memory_bytes")},
                  .time_left_s = number(row, "time_left_s")};
  if (row.contains("epoch")) metrics.epoch = number(row, "epoch");
  if (const auto values = losses(row, "val_"))
    metrics.validation = {.losses = *values, .interval = number(row, "val_loss_interval")};
  return metrics;
}

// Calls `use(row, end)` for the leading lines of `text` that are rows, `end` behind each, until it
// gives false.
template <typename Use>
void for_rows(const std::string& text, const Use& use) {
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    const Json row = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                 text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    begin = end + 1;
    const bool is_row = row.is_object() && row.contains("step") && row["step"].is_number_integer();
    if (!is_row || !use(row, begin)) return;
  }
}

// The leading lines of `text` that are rows of steps up to `last_step`.
std::string rows_up_to(const std::string& text, int64_t last_step) {
  size_t kept = 0;
  for_rows(text, [&](const Json& row, size_t end) {
    if (integer(row, "step") > last_step) return false;
    kept = end;
    return true;
  });
  return text.substr(0, kept);
}

}  // namespace

std::string metrics_line(const Metrics& metrics) {
  Json row;
  row["step"] = metrics.step;
  if (metrics.epoch) row["epoch"] = *metrics.epoch;
  if (metrics.train) {
    put(row, "", *metrics.train);
    row["grad_norm"] = metrics.grad_norm;
    row["lr"] = metrics.lr;
    row["tokens"] = metrics.tokens;
    row["tokens_per_s"] = metrics.tokens_per_s;
    row["flops_per_s"] = metrics.flops_per_s;
    row["gemm_share"] = metrics.gemm_share;
    row["memory_bytes"] = metrics.memory.resident_bytes;
    row["peak_memory_bytes"] = metrics.memory.peak_bytes;
    row["time_left_s"] = metrics.time_left_s;
  }
  if (metrics.validation) {
    put(row, "val_", metrics.validation->losses);
    if (metrics.validation->interval > 0) row["val_loss_interval"] = metrics.validation->interval;
  }
  return row.dump();
}

std::vector<Metrics> read_metrics(const base::fs::path& path) {
  std::vector<Metrics> rows;
  for_rows(base::read_file(path), [&](const Json& row, size_t) {
    rows.push_back(to_metrics(row));
    return true;
  });
  return rows;
}

void keep_metrics(const base::fs::path& path, int64_t last_step) {
  std::string kept;
  if (last_step > 0 && base::fs::exists(path)) kept = rows_up_to(base::read_file(path), last_step);
  base::write_file(path, kept);
}

}  // namespace koi::train
