#include "koi/train/process_group.h"

#include <algorithm>
#include <future>
#include <thread>

#include "koi/base/hash.h"
#include "koi/train/heartbeat.h"
#include "koi/train/rendezvous.h"

namespace koi::train {
namespace {

using std::chrono::milliseconds;
using Work = c10::intrusive_ptr<c10d::Work>;

constexpr const char* kRemedy = "the same command goes on from the last checkpoint";

// The shares of the time that a rank may be silent: one sign of life is waited for that long, then
// the others have the rest to end.
milliseconds share(double timeout_s, double part) {
  return milliseconds(std::max<int64_t>(1, static_cast<int64_t>(timeout_s * 1000 * part)));
}

RendezvousOptions rendezvous_options(const ProcessGroupOptions& options) {
  return {.nccl = options.backend == Backend::nccl,
          .join_timeout = share(options.timeout_s, 0.9),
          .pulse_timeout = share(options.timeout_s, 2.0 / 3)};
}

// c10d waits for ever where something accepts its connection and stays silent (rank 0 stopped,
// another service at the port). The thread is left behind then: the process is about to end.
Groups meet_in_time(const base::Launch& launch, const ProcessGroupOptions& options) {
  std::packaged_task<Groups()> task([=] { return meet(launch, rendezvous_options(options)); });
  std::future<Groups> groups = task.get_future();
  std::thread(std::move(task)).detach();
  if (groups.wait_for(share(options.timeout_s, 1)) == std::future_status::ready)
    return groups.get();
  throw Error(ErrorKind::io, rank_name(launch.rank, launch.world_size),
              "nothing at " + launch.master_host + ":" + std::to_string(launch.master_port) +
                  " answers as rank 0 of koi does",
              "start all ranks at the same time, with the MASTER_ADDR of rank 0's machine and a "
              "free MASTER_PORT, or raise trainer.timeout_s");
}

at::Tensor to_tensor(const std::vector<double>& numbers) {
  return at::tensor(numbers, at::kDouble);
}

// Lists of tensors of one dtype and device, in the given order, each of kBytes at most unless one
// tensor alone is larger.
std::vector<std::vector<at::Tensor>> buckets(const std::vector<at::Tensor>& tensors) {
  constexpr size_t kBytes = 25 << 20;
  std::vector<std::vector<at::Tensor>> result;
  size_t filled = 0;
  for (const at::Tensor& tensor : tensors) {
    const bool fits = !result.empty() && filled + tensor.nbytes() <= kBytes &&
                      result.back().back().options().type_equal(tensor.options());
    if (!fits) {
      result.emplace_back();
      filled = 0;
    }
    result.back().push_back(tensor);
    filled += tensor.nbytes();
  }
  return result;
}

}  // namespace

class ProcessGroup::Network {
 public:
  Network(const base::Launch& launch, const ProcessGroupOptions& options)
      : rank_(launch.rank),
        size_(launch.world_size),
        groups_(meet_in_time(launch, options)),
        heartbeat_(heartbeat_options(options)) {}

  ~Network() {
    // A call that waits for a hung rank cannot be called off, and its group's destructor would wait
    // for it; the process is about to end.
    if (!heartbeat_.failed()) return;
    groups_.numbers.release();
    groups_.tensors.release();
  }

  template <typename Call>
  void run(Call&& call) {
    heartbeat_.check();
    try {
      wait(*call(groups_));
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      heartbeat_.silence();
      throw lost(error);
    }
  }

  // Where a tensor travels from: gloo knows only the CPU.
  at::Device device(const at::Tensor& tensor) const {
    return groups_.tensors == groups_.numbers ? at::Device(at::kCPU) : tensor.device();
  }

  Heartbeat& heartbeat() { return heartbeat_; }

 private:
  Error lost(const std::exception& error) const {
    return Error(ErrorKind::io, rank_name(rank_, size_),
                 "another rank ended or does not answer (" + reason(error) + ")", kRemedy);
  }

  // Polls, so that a hung rank is noticed while the call waits for it.
  void wait(c10d::Work& work) {
    using std::chrono::microseconds;
    for (microseconds pause(20); !work.isCompleted();
         pause = std::min(2 * pause, microseconds(1000))) {
      std::this_thread::sleep_for(pause);
      heartbeat_.check();
    }
    work.wait();  // throws what the call failed with
  }

  HeartbeatOptions heartbeat_options(const ProcessGroupOptions& options) {
    HeartbeatOptions heartbeat;
    heartbeat.sum = [this](double number) {
      std::vector<at::Tensor> tensors{to_tensor({number})};
      try {
        groups_.pulse->allreduce(tensors)->wait();
      } catch (const std::exception& error) {
        throw lost(error);
      }
      return tensors[0].item<double>();
    };
    heartbeat.world_size = size_;
    heartbeat.interval = std::min(milliseconds(500), share(options.timeout_s, 0.05));
    heartbeat.grace = share(options.timeout_s, 0.1);
    heartbeat.lost = options.lost;
    return heartbeat;
  }

  int rank_, size_;
  Groups groups_;
  Heartbeat heartbeat_;
};

ProcessGroup::ProcessGroup(const base::Launch& launch, const ProcessGroupOptions& options)
    : rank_(launch.rank), size_(launch.world_size) {
  if (!launch.alone()) network_ = std::make_unique<Network>(launch, options);
}

ProcessGroup::~ProcessGroup() = default;
ProcessGroup::ProcessGroup(ProcessGroup&&) noexcept = default;
ProcessGroup& ProcessGroup::operator=(ProcessGroup&&) noexcept = default;

void ProcessGroup::sum_tensors(const std::vector<at::Tensor>& tensors) {
  if (!network_) return;
  const at::NoGradGuard no_grad;
  int64_t count = 0;
  for (const at::Tensor& tensor : tensors) count += tensor.numel();
  // Lists that differ would be added up shifted against each other.
  if (sum_numbers({static_cast<double>(count)})[0] != static_cast<double>(count) * size_) {
    throw Error(ErrorKind::internal, rank_name(rank_, size_),
                "the ranks bring different numbers of values to be added up");
  }
  for (const auto& bucket : buckets(tensors)) {
    std::vector<at::Tensor> parts;
    for (const at::Tensor& tensor : bucket) parts.push_back(tensor.reshape(-1));
    const at::ScalarType type = bucket[0].scalar_type();
    std::vector<at::Tensor> flat{at::cat(parts).to(
        network_->device(bucket[0]), at::isReducedFloatingType(type) ? at::kFloat : type)};
    network_->run([&](Groups& groups) { return groups.tensors->allreduce(flat); });
    int64_t offset = 0;
    for (const at::Tensor& tensor : bucket) {
      tensor.copy_(flat[0].narrow(0, offset, tensor.numel()).view(tensor.sizes()));
      offset += tensor.numel();
    }
  }
}

void ProcessGroup::broadcast(const std::vector<at::Tensor>& tensors) {
  if (!network_) return;
  const at::NoGradGuard no_grad;
  for (const at::Tensor& tensor : tensors) {
    std::vector<at::Tensor> values{tensor.to(network_->device(tensor)).contiguous()};
    network_->run([&](Groups& groups) { return groups.tensors->broadcast(values); });
    if (!values[0].is_same(tensor)) tensor.copy_(values[0]);
  }
}

std::vector<double> ProcessGroup::sum_numbers(std::vector<double> numbers) {
  if (!network_) return numbers;
  std::vector<at::Tensor> tensors{to_tensor(numbers)};
  network_->run([&](Groups& groups) { return groups.numbers->allreduce(tensors); });
  const double* values = tensors[0].const_data_ptr<double>();
  return {values, values + numbers.size()};
}

bool ProcessGroup::any(bool here) { return sum_numbers({here ? 1.0 : 0.0})[0] > 0; }

void ProcessGroup::barrier() { sum_numbers({0.0}); }

void ProcessGroup::require_same(const std::string& what, const std::string& text) {
  if (!network_) return;
  const std::string digest = base::sha256_hex(text);
  std::vector<at::Tensor> first{at::tensor(std::vector<int64_t>(digest.begin(), digest.end()))};
  const at::Tensor mine = first[0].clone();
  network_->run([&](Groups& groups) { return groups.numbers->broadcast(first); });
  if (!any(!at::equal(mine, first[0]))) return;
  throw Error(ErrorKind::config, rank_name(rank_, size_), what + " is not the same in all ranks",
              "start all of them with the same command, from the same files");
}

void ProcessGroup::check() {
  if (network_) network_->heartbeat().check();
}

void ProcessGroup::finish() {
  if (!network_) return;
  barrier();
  network_->heartbeat().finish();
}

}  // namespace koi::train
