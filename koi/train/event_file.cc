#include "koi/train/event_file.h"

#include <isa-l/crc.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "koi/base/bytes.h"
#include "koi/train/event.pb.h"

namespace koi::train {
namespace {

constexpr std::string_view kPrefix = "events.out.tfevents.";

double now_s() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// A second for each file: TensorBoard reads them in the order of their names.
int64_t second_for_new_file(const base::fs::path& folder) {
  auto second = static_cast<int64_t>(now_s());
  const auto is_event_file = [](const base::fs::path& path) {
    return path.filename().string().starts_with(kPrefix);
  };
  for (const auto& path : base::list_files(folder, is_event_file, /*recursive=*/false)) {
    const std::string name = path.filename().string();
    int64_t taken = 0;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), taken);
    second = std::max(second, taken + 1);
  }
  return second;
}

base::fs::path new_path(const base::fs::path& folder) {
  base::make_folder(folder);
  char host[256] = "";
  ::gethostname(host, sizeof(host) - 1);
  return folder / (std::string(kPrefix) + std::to_string(second_for_new_file(folder)) + "." + host);
}

uint32_t masked_crc32c(std::string_view bytes) {
  auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  const uint32_t crc = ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~uint32_t{0});
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
}

std::string record_of(const proto::Event& event) {
  const std::string message = event.SerializeAsString();
  std::string record;
  base::append_bytes(record, uint64_t{message.size()});
  base::append_bytes(record, masked_crc32c(record));
  record += message;
  base::append_bytes(record, masked_crc32c(message));
  return record;
}

proto::Event event_at(int64_t step) {
  proto::Event event;
  event.set_wall_time(now_s());
  event.set_step(step);
  return event;
}

}  // namespace

EventFile::EventFile(const base::fs::path& folder, int64_t first_step)
    : path_(new_path(folder)), file_(path_) {
  proto::Event version = event_at(0);
  version.set_file_version("brain.Event:2");
  file_.append(record_of(version));
  proto::Event start = event_at(first_step);
  start.mutable_session_log()->set_status(proto::SessionLog::START);
  file_.append(record_of(start));
}

void EventFile::add(int64_t step, const std::vector<Scalar>& scalars) {
  proto::Event event = event_at(step);
  for (const Scalar& scalar : scalars) {
    auto* value = event.mutable_summary()->add_value();
    value->set_tag(scalar.tag);
    value->set_simple_value(static_cast<float>(scalar.value));
  }
  file_.append(record_of(event));
}

}  // namespace koi::train
