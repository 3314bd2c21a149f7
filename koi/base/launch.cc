#include "koi/base/launch.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string_view>

#include "koi/base/error.h"

namespace koi::base {
namespace {

constexpr int kMaxRanks = 65536;
constexpr int kTorchPort = 29500;  // torch's own default

[[noreturn]] void refuse(std::string_view variable, const std::string& what,
                         std::string_view remedy = {}) {
  throw Error(ErrorKind::usage, variable, what, remedy);
}

// The environment with the checks that all launchers need.
class Variables {
 public:
  explicit Variables(const Environment& environment) : environment_(environment) {}

  std::optional<std::string> find(const char* name) const {
    const char* value = environment_(name);
    return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
  }

  bool has(const char* name) const { return find(name).has_value(); }

  std::string text(const char* name) const {
    const auto value = find(name);
    if (!value)
      refuse(name, "is not set, though this process was started as one of several",
             "start all of them with one launcher, or unset its variables");
    return *value;
  }

  int number(const char* name, int low, int high) const {
    const std::string value = text(name);
    int64_t parsed = 0;
    const char* end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, parsed);
    if (error != std::errc() || stop != end || parsed < low || parsed > high) {
      refuse(name, "expected a number of " + std::to_string(low) + " to " + std::to_string(high) +
                       ", found \"" + value + "\"");
    }
    return static_cast<int>(parsed);
  }

  int number_or(const char* name, int otherwise, int high) const {
    return has(name) ? number(name, 0, high) : otherwise;
  }

 private:
  const Environment& environment_;
};

struct Names {
  const char *rank, *size, *local_rank, *local_size;
};

Launch read_names(const Variables& variables, const char* launcher, const Names& names) {
  Launch launch;
  launch.launcher = launcher;
  launch.world_size = variables.number(names.size, 1, kMaxRanks);
  launch.rank = variables.number(names.rank, 0, kMaxRanks - 1);
  launch.local_rank = variables.number_or(names.local_rank, 0, kMaxRanks - 1);
  launch.local_size = variables.number_or(names.local_size, 0, kMaxRanks);
  const auto contradict = [&](const char* low, int low_value, const char* high, int high_value) {
    refuse(low, std::to_string(low_value) + " contradicts " + high + ", which is " +
                    std::to_string(high_value));
  };
  if (launch.rank >= launch.world_size)
    contradict(names.rank, launch.rank, names.size, launch.world_size);
  if (launch.local_rank > launch.rank)
    contradict(names.local_rank, launch.local_rank, names.rank, launch.rank);
  if (launch.local_size > launch.world_size)
    contradict(names.local_size, launch.local_size, names.size, launch.world_size);
  if (launch.local_size > 0 && launch.local_rank >= launch.local_size)
    contradict(names.local_rank, launch.local_rank, names.local_size, launch.local_size);
  return launch;
}

// A port that all ranks of one srun know, below those that the system gives to clients.
int slurm_port(const Variables& variables) {
  constexpr int kFirst = 10000, kCount = 20000;
  const int64_t job = variables.number("SLURM_JOB_ID", 0, std::numeric_limits<int>::max());
  const int64_t step = variables.number_or("SLURM_STEP_ID", 0, std::numeric_limits<int>::max());
  return static_cast<int>(kFirst + (job * 16 + step) % kCount);
}

void read_master(const Variables& variables, Launch& launch) {
  if (launch.alone()) return;
  const bool one_machine = launch.local_size == launch.world_size;
  if (launch.launcher == "srun" && !variables.has("MASTER_ADDR")) {
    launch.master_host = first_host(variables.text(
        variables.has("SLURM_STEP_NODELIST") ? "SLURM_STEP_NODELIST" : "SLURM_JOB_NODELIST"));
  } else if (launch.launcher == "mpirun" && one_machine && !variables.has("MASTER_ADDR")) {
    launch.master_host = "127.0.0.1";
  } else if (launch.launcher == "mpirun" && !variables.has("MASTER_ADDR")) {
    refuse("MASTER_ADDR", "is not set, and mpirun does not say where rank 0 is",
           "hand it to all ranks: mpirun -x MASTER_ADDR=HOST (Open MPI) or -genv MASTER_ADDR HOST "
           "(MPICH)");
  } else {
    launch.master_host = variables.text("MASTER_ADDR");
  }
  const std::string& host = launch.master_host;
  if (std::any_of(host.begin(), host.end(), [](unsigned char c) { return c <= ' '; }))
    refuse("MASTER_ADDR", "expected a host name or address, found \"" + host + "\"");

  if (launch.launcher == "torchrun" || variables.has("MASTER_PORT")) {
    launch.master_port = variables.number("MASTER_PORT", 1, 65535);
  } else {
    launch.master_port = launch.launcher == "srun" ? slurm_port(variables) : kTorchPort;
  }
}

Launch read_torchrun(const Variables& variables) {
  Launch launch =
      read_names(variables, "torchrun", {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"});
  launch.agent_listens = variables.find("TORCHELASTIC_USE_AGENT_STORE") == "True";
  launch.attempt = variables.find("TORCHELASTIC_RESTART_COUNT").value_or("0");
  return launch;
}

Launch read_mpich(const Variables& variables) {
  Launch launch = read_names(variables, "mpirun",
                             {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"});
  if (launch.local_size == 0 && !variables.has("MASTER_ADDR")) {
    launch.local_rank = launch.rank;
    launch.local_size = launch.world_size;
  }
  return launch;
}

Launch read_srun(const Variables& variables) {
  const char* size =
      variables.has("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS";
  return read_names(variables, "srun", {"SLURM_PROCID", size, "SLURM_LOCALID", ""});
}

bool is_task_of_srun(const Variables& variables) {
  return variables.has("SLURM_PROCID") &&
         (variables.has("SLURM_STEP_ID") || variables.has("SLURM_STEP_NUM_TASKS"));
}

const char* of_this_process(const char* name) { return std::getenv(name); }

}  // namespace

Launch read_ranks(const Environment& environment) {
  const Variables variables(environment);
  if (variables.has("RANK") || variables.has("WORLD_SIZE")) return read_torchrun(variables);
  if (variables.has("OMPI_COMM_WORLD_RANK") || variables.has("OMPI_COMM_WORLD_SIZE")) {
    return read_names(variables, "mpirun",
                      {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
                       "OMPI_COMM_WORLD_LOCAL_SIZE"});
  }
  if (variables.has("PMI_RANK") &&
      (variables.has("MPI_LOCALNRANKS") || !variables.has("SLURM_PROCID")))
    return read_mpich(variables);
  return is_task_of_srun(variables) ? read_srun(variables) : Launch{};
}

Launch read_launch(const Environment& environment) {
  Launch launch = read_ranks(environment);
  const Variables variables(environment);
  read_master(variables, launch);
  launch.interface = variables.find("GLOO_SOCKET_IFNAME").value_or("");
  return launch;
}

Launch read_launch() { return read_launch(of_this_process); }

Launch read_ranks() { return read_ranks(of_this_process); }

std::string first_host(const std::string& node_list) {
  std::string host;
  size_t i = 0;
  while (i < node_list.size() && node_list[i] != ',') {
    if (node_list[i] != '[') {
      host += node_list[i++];
      continue;
    }
    const size_t close = node_list.find(']', i);
    const size_t first_end = node_list.find_first_of("-,]", i + 1);
    if (close == std::string::npos || first_end == i + 1) {
      host.clear();
      break;
    }
    host.append(node_list, i + 1, first_end - i - 1);
    i = close + 1;
  }
  if (host.empty() || host.find(']') != std::string::npos) {
    refuse("SLURM_JOB_NODELIST", "no host can be read out of \"" + node_list + "\"",
           "set MASTER_ADDR to the host of rank 0");
  }
  return host;
}

}  // namespace koi::base
