#include "koi/train/metrics.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "koi/base/error.h"

namespace koi::train {
namespace {

using Json = nlohmann::ordered_json;

void put(Json& row, const std::string& prefix, const LossValues& values) {
  row[prefix + "loss"] = values.loss;
  row[prefix + "base_loss"] = values.base_loss;
  row[prefix + "semantic_loss"] = values.semantic_loss;
  row[prefix + "top_5_accuracy"] = values.top_5_accuracy;
}

[[noreturn]] void fail(const base::fs::path& path) {
  throw Error(ErrorKind::io, path.string(),
              std::string("cannot be written: ") + std::strerror(errno));
}

// The leading lines of `text` that are rows of steps up to `last_step`.
std::string rows_up_to(const std::string& text, int64_t last_step) {
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    const Json row = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                 text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    const bool kept = row.is_object() && row.contains("step") && row["step"].is_number_integer() &&
                      row["step"].get<int64_t>() <= last_step;
    if (!kept) break;
    begin = end + 1;
  }
  return text.substr(0, begin);
}

}  // namespace

std::string metrics_line(const Metrics& metrics) {
  Json row;
  row["step"] = metrics.step;
  if (metrics.train) {
    put(row, "", *metrics.train);
    row["grad_norm"] = metrics.grad_norm;
    row["lr"] = metrics.lr;
    row["tokens"] = metrics.tokens;
    row["tokens_per_s"] = metrics.tokens_per_s;
  }
  if (metrics.validation) {
    put(row, "val_", metrics.validation->losses);
    if (metrics.validation->interval > 0) row["val_loss_interval"] = metrics.validation->interval;
  }
  return row.dump();
}

MetricsFile::MetricsFile(const base::fs::path& path, int64_t last_step) : path_(path) {
  std::string kept;
  if (last_step > 0 && base::fs::exists(path)) kept = rows_up_to(base::read_file(path), last_step);
  base::write_file(path, kept);
  // Appended to line by line: a log that is cut off loses its last line at most, which the next
  // start drops.
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor_ < 0) fail(path_);
}

MetricsFile::~MetricsFile() { ::close(descriptor_); }

void MetricsFile::append(const Metrics& metrics) {
  const std::string line = metrics_line(metrics) + "\n";
  for (size_t done = 0; done < line.size();) {
    const ssize_t count = ::write(descriptor_, line.data() + done, line.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path_);
    done += static_cast<size_t>(count);
  }
}

}  // namespace koi::train
