#include "koi/train/rank_settings.h"

#include <charconv>
#include <string>
#include <vector>

#include "koi/base/error.h"

namespace koi::train {
namespace {

using config::Reader;

int64_t read_devices(Reader& reader) {
  const std::string key = "trainer.devices";
  std::vector<std::string> words;
  if (reader.has(key)) reader.read(key, words);
  if (words.empty()) return 0;
  if (words.size() > 1)
    Reader::fail(key, "expected one number of processes", "choose GPUs by CUDA_VISIBLE_DEVICES");
  const std::string& word = words[0];
  if (word == "auto" || word == "-1") return 0;
  int64_t count = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, count);
  if (error != std::errc() || stop != end || count < 1 || count > 1024)
    Reader::fail(key, "expected auto, -1, or 1 to 1024 processes, found " + word);
  return count;
}

// "8 processes, 4 of them on this machine"
std::string describe(const base::Launch& launch) {
  std::string text =
      std::to_string(launch.world_size) + (launch.alone() ? " process" : " processes");
  if (launch.local_size > 0)
    text += ", " + std::to_string(launch.local_size) + " of them on this machine";
  return text;
}

}  // namespace

RankSettings read_rank_settings(Reader& reader) {
  RankSettings settings;
  settings.devices = read_devices(reader);
  reader.read("trainer.num_nodes", settings.num_nodes);
  if (settings.num_nodes < 1) Reader::fail("trainer.num_nodes", "must be 1 or more");
  const std::string backend_key = "trainer.strategy.process_group_backend";
  std::string backend = "nccl";
  reader.read_optional(backend_key, backend);
  if (backend != "nccl" && backend != "gloo")
    Reader::fail(backend_key, "koi knows nccl and gloo, found " + backend);
  settings.nccl = backend == "nccl";
  const std::string timeout_key = "trainer.timeout_s";
  reader.read_optional(timeout_key, settings.timeout_s);
  if (!(settings.timeout_s >= 1 && settings.timeout_s <= 86400))
    Reader::fail(timeout_key, "must be 1 to 86400 seconds");
  return settings;
}

void check_launch(const base::Launch& launch, const RankSettings& settings) {
  const int64_t nodes = settings.num_nodes;
  if (nodes > 1 && launch.alone()) {
    throw Error(ErrorKind::config, "trainer.num_nodes",
                std::to_string(nodes) + " machines are asked for, but koi was started alone",
                "start it on each of them with torchrun, srun or mpirun");
  }
  const bool local_fits = launch.local_size == 0 || launch.world_size == nodes * launch.local_size;
  if (nodes > 1 && (launch.world_size % nodes != 0 || !local_fits)) {
    throw Error(ErrorKind::config, "trainer.num_nodes",
                std::to_string(nodes) + " machines do not go with what " + launch.launcher +
                    " started: " + describe(launch),
                "start as many processes on each machine");
  }
  if (settings.devices > 0 && launch.local_size > 0 && settings.devices != launch.local_size) {
    throw Error(ErrorKind::config, "trainer.devices",
                std::to_string(settings.devices) + " do not go with what " + launch.launcher +
                    " started: " + describe(launch),
                "leave trainer.devices at auto under a launcher");
  }
}

}  // namespace koi::train
