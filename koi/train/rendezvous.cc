#include "koi/train/rendezvous.h"

#define USE_C10D_GLOO  // libtorch_cpu.so was built with it

#include <c10/util/Logging.h>

#include <algorithm>
#include <cstdlib>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "koi/train/local_address.h"
#include "koi/train/nccl_library.h"

namespace koi::train {
namespace {

using StorePtr = c10::intrusive_ptr<c10d::Store>;

// A rank whose program is alive but stuck is given up in the end, too.
constexpr std::chrono::milliseconds kCollectiveTimeout = std::chrono::minutes(30);

[[noreturn]] void fail(const base::Launch& launch, const std::string& what,
                       const std::string& remedy) {
  throw Error(ErrorKind::io, rank_name(launch.rank, launch.world_size), what, remedy);
}

// c10d writes warnings and backtraces to standard error; all that matters comes as an exception.
void silence_torch() {
  constexpr int kFatal = 3;
  if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = kFatal;
}

StorePtr open_store(const base::Launch& launch, std::chrono::milliseconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(launch.master_port);
  options.isServer = launch.is_first() && !launch.agent_listens;
  options.waitWorkers = false;
  options.timeout = timeout;
  const std::string place = launch.master_host + ":" + std::to_string(launch.master_port);
  try {
    return c10::make_intrusive<c10d::PrefixStore>(
        "koi/" + launch.attempt, c10::make_intrusive<c10d::TCPStore>(launch.master_host, options));
  } catch (const std::exception& error) {
    if (options.isServer)
      fail(launch, "cannot listen at " + place + " (" + reason(error) + ")",
           "choose another MASTER_PORT, and a MASTER_ADDR of this machine");
    fail(launch, "rank 0 cannot be reached at " + place + " (" + reason(error) + ")",
         "start all ranks at the same time, with the MASTER_ADDR of rank 0's machine, or raise "
         "trainer.timeout_s");
  }
}

std::string address_key(int rank) { return "address/" + std::to_string(rank); }

// Publishes this rank's address and gives all.
std::vector<std::string> exchange_addresses(const base::Launch& launch, c10d::Store& store,
                                            std::chrono::milliseconds timeout) {
  std::vector<std::string> keys;
  for (int rank = 0; rank < launch.world_size; ++rank) keys.push_back(address_key(rank));
  try {
    store.set(address_key(launch.rank), local_address_towards(launch.master_host));
    store.wait(keys, timeout);
  } catch (const c10::Error& error) {
    std::string missing;
    try {
      for (int rank = 0; rank < launch.world_size; ++rank) {
        if (!store.check({address_key(rank)})) missing += " " + std::to_string(rank);
      }
    } catch (const c10::Error&) {
      missing.clear();  // rank 0 is gone, and the store with it
    }
    fail(launch,
         missing.empty() ? "rank 0 was lost while the ranks met (" + reason(error) + ")"
                         : "within " + std::to_string(timeout.count()) +
                               " ms these ranks did not come:" + missing,
         "start all " + std::to_string(launch.world_size) +
             " ranks at the same time, or raise trainer.timeout_s");
  }
  std::vector<std::string> addresses;
  for (const std::string& key : keys) addresses.push_back(store.get_to_str(key));
  return addresses;
}

// The address at which the other ranks reach this one. A host often knows itself by a loopback
// address, which is of no use to other machines: then the one towards such a machine is taken.
std::string own_address(const base::Launch& launch, const std::vector<std::string>& addresses) {
  const std::string& own = addresses[static_cast<size_t>(launch.rank)];
  if (!is_loopback(own)) return own;
  const auto other = std::find_if_not(addresses.begin(), addresses.end(), is_loopback);
  return other == addresses.end() ? own : local_address_towards(*other);
}

}  // namespace

Groups meet(const base::Launch& launch, const RendezvousOptions& options) {
  silence_torch();
  const StorePtr store = open_store(launch, options.join_timeout);
  const auto addresses = exchange_addresses(launch, *store, options.join_timeout);
  try {
    const auto device =
        launch.interface.empty()
            ? c10d::ProcessGroupGloo::createDeviceForHostname(own_address(launch, addresses))
            : c10d::ProcessGroupGloo::createDeviceForInterface(launch.interface);
    const auto make_gloo = [&](const char* name, std::chrono::milliseconds timeout) {
      auto gloo = c10d::ProcessGroupGloo::Options::create(options.join_timeout);
      gloo->devices = {device};
      gloo->threads = 1;  // one call at a time
      auto group = c10::make_intrusive<c10d::ProcessGroupGloo>(
          c10::make_intrusive<c10d::PrefixStore>(name, store), launch.rank, launch.world_size,
          gloo);
      group->setTimeout(timeout);
      return group;
    };
    Groups groups;
    groups.pulse = make_gloo("pulse", options.pulse_timeout);
    groups.numbers = make_gloo("numbers", kCollectiveTimeout);
    groups.tensors = options.nccl
                         ? make_nccl({store, launch.rank, launch.world_size, kCollectiveTimeout})
                         : groups.numbers;
    return groups;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    fail(launch, "the ranks cannot be joined (" + reason(error) + ")",
         "see that the machines reach each other, or name the network in GLOO_SOCKET_IFNAME");
  }
}

std::string rank_name(int rank, int world_size) {
  return "rank " + std::to_string(rank) + " of " + std::to_string(world_size);
}

std::string reason(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  std::string text = torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
  text = text.substr(0, text.find('\n'));
  // "[gloo/transport/tcp/pair.cc:536] Connection closed by peer [::1]:1234. This is typically ..."
  if (text.starts_with('[') && text.find("] ") != std::string::npos) {
    text = text.substr(text.find("] ") + 2);
    text = text.substr(0, text.find(". "));
  }
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace koi::train
