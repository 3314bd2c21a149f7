// The process group with real processes: sums, faults, hosts. The ranks are rank_program's.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <set>
#include <sstream>

#include "tests/support/process.h"
#include "tests/support/run_program.h"

namespace koi::test {
namespace {

using testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

const std::string kProgram = KOI_BINARY_DIR "/tests/rank_program";
// Long enough for a busy machine, short enough to wait for.
const Variables kTimeout{{"KOI_TEST_TIMEOUT_S", "8"}};
// A lost peer has ended all others by then.
constexpr double kTimeoutS = 8;

// What torchrun sets for one rank of a machine.
Variables torchrun_variables(int rank, int world_size, int port) {
  Variables variables = kTimeout;
  variables.insert({{"RANK", std::to_string(rank)},
                    {"LOCAL_RANK", std::to_string(rank)},
                    {"WORLD_SIZE", std::to_string(world_size)},
                    {"LOCAL_WORLD_SIZE", std::to_string(world_size)},
                    {"MASTER_ADDR", "127.0.0.1"},
                    {"MASTER_PORT", std::to_string(port)}});
  return variables;
}

using Ranks = std::vector<std::unique_ptr<Process>>;

Ranks start_ranks(int count, const std::string& mode) {
  const int port = free_port();
  Ranks ranks;
  for (int rank = 0; rank < count; ++rank) {
    ranks.push_back(std::make_unique<Process>(std::vector<std::string>{kProgram, mode},
                                              torchrun_variables(rank, count, port)));
  }
  return ranks;
}

// The lines of standard output that begin with "sums", one a rank.
std::multiset<std::string> sums(const std::string& out) {
  std::multiset<std::string> result;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("sums")) result.insert(line);
  return result;
}

// All ranks' results, which must be the same bits.
std::string sums_of(const Ranks& ranks) {
  std::multiset<std::string> all;
  for (const auto& rank : ranks) {
    EXPECT_EQ(rank->wait(), 0) << rank->err();
    EXPECT_EQ(rank->err(), "");
    all.merge(sums(rank->out()));
  }
  EXPECT_EQ(all.size(), ranks.size());
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 1U);
  return all.empty() ? "" : *all.begin();
}

class ProcessGroupTest : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Worlds, ProcessGroupTest, testing::Values(2, 4));

TEST_P(ProcessGroupTest, SumsAndBroadcastsTheSameBitsInAllRanksAndRuns) {
  const std::string first = sums_of(start_ranks(GetParam(), "all"));
  EXPECT_EQ(first, sums_of(start_ranks(GetParam(), "all")));
  Process launcher({kProgram, "launch", std::to_string(GetParam()), "all"}, kTimeout);
  EXPECT_EQ(launcher.wait(), 0) << launcher.err();
  EXPECT_EQ(sums(launcher.out()).count(first), static_cast<size_t>(GetParam()));
}

// By the count of labels 2 or 4 ranks equal one with all their samples; by the reference's rule
// they equal one with as many batches. The adapters are the same bits on all ranks.
TEST_P(ProcessGroupTest, TrainsAsOneProcessWould) {
  sums_of(start_ranks(GetParam(), "train"));
  sums_of(start_ranks(GetParam(), "train-reference"));
}

// Every rank but the last must end in time with status 1 and one line.
void expect_end(const Ranks& ranks) {
  const auto start = std::chrono::steady_clock::now();
  for (size_t rank = 0; rank + 1 < ranks.size(); ++rank) {
    EXPECT_EQ(ranks[rank]->wait(), 1);
    const std::string line = ranks[rank]->err();
    EXPECT_THAT(line, HasSubstr("rank " + std::to_string(rank) + " of"));
    EXPECT_THAT(line, HasSubstr("another rank ended or does not answer ("));
    EXPECT_THAT(line, HasSubstr("the same command goes on from the last checkpoint"));
    EXPECT_EQ(std::ranges::count(line, '\n'), 1) << line;
  }
  const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
  EXPECT_LT(waited.count(), kTimeoutS);
}

// Whether a rank waits for the others at that moment or computes.
TEST_P(ProcessGroupTest, ADeadPeerEndsAll) {
  for (const char* mode : {"step", "compute"}) {
    const Ranks ranks = start_ranks(GetParam(), mode);
    for (const auto& rank : ranks) rank->wait_for("ready");
    ranks.back()->signal(SIGKILL);
    expect_end(ranks);
  }
}

TEST_P(ProcessGroupTest, AHungPeerEndsAll) {
  for (const char* mode : {"step", "compute"}) {
    const Ranks ranks = start_ranks(GetParam(), mode);
    for (const auto& rank : ranks) rank->wait_for("ready");
    ranks.back()->signal(SIGSTOP);
    expect_end(ranks);
  }
}

TEST(ProcessGroup, AWorldOfOneNeedsNoNetwork) {
  Process alone({kProgram, "all"}, kTimeout);
  EXPECT_EQ(alone.wait(), 0) << alone.err();
}

TEST(ProcessGroup, ASlowPeerIsWaitedFor) {
  Variables short_timeout{{"KOI_TEST_TIMEOUT_S", "2"}};
  Process launcher({kProgram, "launch", "2", "slow"}, short_timeout);
  EXPECT_EQ(launcher.wait(), 0) << launcher.err();
}

TEST(ProcessGroup, TheFaultOfOneEndsAll) {
  Process launcher({kProgram, "launch", "2", "throw"}, kTimeout);
  EXPECT_EQ(launcher.wait(), 1);
  EXPECT_THAT(launcher.err(), HasSubstr("rank 1 has a fault of its own"));
  EXPECT_THAT(launcher.err(), HasSubstr("rank 0 of 2: another rank ended"));
}

TEST(ProcessGroup, RefusesRanksThatDisagree) {
  for (const auto& [mode, line] :
       Variables{{"other-shapes", "the ranks bring different numbers of values"},
                 {"other-text", "the configuration is not the same in all ranks"}}) {
    const Ranks ranks = start_ranks(2, mode);
    for (const auto& rank : ranks) {
      EXPECT_EQ(rank->wait(), 1);
      EXPECT_THAT(rank->err(), HasSubstr(line));
    }
  }
}

TEST(ProcessGroup, NamesRanksThatDoNotCome) {
  Process first({kProgram, "all"}, torchrun_variables(0, 4, free_port()));
  EXPECT_EQ(first.wait(), 1);
  EXPECT_THAT(first.err(),
              HasSubstr("rank 0 of 4: within 7200 ms these ranks did not come: 1 2 3"));
  Process second({kProgram, "all"}, torchrun_variables(1, 2, free_port()));
  EXPECT_EQ(second.wait(), 1);
  EXPECT_THAT(second.err(), HasSubstr("rank 1 of 2: "));
}

TEST(ProcessGroup, IsNotHeldUpByAnotherServiceAtThePort) {
  const int port = free_port();
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listener, 8), 0);
  Process first({kProgram, "all"}, torchrun_variables(0, 2, port));
  Process second({kProgram, "all"}, torchrun_variables(1, 2, port));
  EXPECT_EQ(first.wait(), 1);
  EXPECT_THAT(first.err(), HasSubstr("cannot listen at 127.0.0.1:" + std::to_string(port)));
  EXPECT_EQ(second.wait(), 1);
  EXPECT_THAT(second.err(), HasSubstr("answers as rank 0 of koi does"));
  ::close(listener);
}

// Whether libkoi_nccl.so is built or not: the ranks bring tensors of the CPU.
TEST(ProcessGroup, RefusesNcclInOneLineWhereItCannotBe) {
  Variables nccl = kTimeout;
  nccl["KOI_TEST_BACKEND"] = "nccl";
  Process launcher({kProgram, "launch", "2", "all"}, nccl);
  EXPECT_EQ(launcher.wait(), 1);
  EXPECT_THAT(launcher.err(), HasSubstr("nccl"));
  EXPECT_EQ(std::ranges::count(launcher.err(), '\n'), 2) << launcher.err();
}

TEST(LaunchRanks, HandsAStopOnToAllRanks) {
  Process launcher({kProgram, "launch", "3", "step"}, kTimeout);
  launcher.wait_for("ready\nready\nready\n");
  launcher.signal(SIGTERM);
  EXPECT_EQ(launcher.wait(), 0) << launcher.err();
  EXPECT_THAT(launcher.out(), HasSubstr("done\ndone\ndone\n"));
}

TEST(LaunchRanks, LeavesNoRankBehindWhenItIsKilled) {
  Process launcher({kProgram, "launch", "2", "step"}, kTimeout);
  launcher.wait_for("ready\nready\n");
  launcher.signal(SIGKILL);
  launcher.wait();
  // Its ranks are told to stop, as by SIGTERM, and end in order.
  const auto start = std::chrono::steady_clock::now();
  while (launcher.out().find("done\ndone\n") == std::string::npos &&
         std::chrono::steady_clock::now() - start < std::chrono::seconds(60)) {
  }
  EXPECT_THAT(launcher.out(), HasSubstr("done\ndone\n"));
}

// A real torchrun, where KOI_TORCH_PYTHON names a Python with torch.
TEST(ProcessGroup, RunsUnderTorchrun) {
  const char* python = std::getenv("KOI_TORCH_PYTHON");
  if (python == nullptr) {
    std::cout << "absent: KOI_TORCH_PYTHON names no Python with torch, torchrun is not tried\n";
    return;
  }
  Process torchrun({python, "-m", "torch.distributed.run", "--no-python", "--nproc-per-node", "2",
                    "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", kProgram, "all"},
                   kTimeout);
  EXPECT_EQ(torchrun.wait(), 0) << torchrun.err();
  EXPECT_EQ(sums(torchrun.out()).size(), 2U);
}

// Two hosts: network namespaces of their own, joined by a cable.
class Hosts {
 public:
  Hosts() {
    for (int host : {0, 1}) ip({"netns", "add", name(host)});
    ip({"link", "add", "veth0", "netns", name(0), "type", "veth", "peer", "name", "veth0", "netns",
        name(1)});
    for (int host : {0, 1}) {
      ip({"-n", name(host), "addr", "add", address(host) + "/24", "dev", "veth0"});
      ip({"-n", name(host), "link", "set", "veth0", "up"});
      ip({"-n", name(host), "link", "set", "lo", "up"});
    }
  }
  ~Hosts() {
    for (int host : {0, 1}) ip({"netns", "del", name(host)});
  }

  static std::string address(int host) { return "10.231.0." + std::to_string(host + 1); }
  bool ready() const { return reason_.empty(); }
  const std::string& reason() const { return reason_; }

  void cut_cable() { ip({"-n", name(0), "link", "set", "veth0", "down"}); }

  std::unique_ptr<Process> start(int host, const std::string& mode, const std::string& master) {
    Variables variables = torchrun_variables(host, 2, 29500);
    variables["LOCAL_RANK"] = "0";
    variables["LOCAL_WORLD_SIZE"] = "1";
    variables["MASTER_ADDR"] = master;
    return std::make_unique<Process>(
        std::vector<std::string>{"/usr/bin/env", "ip", "netns", "exec", name(host), kProgram, mode},
        variables);
  }

 private:
  static std::string name(int host) {
    return "koi-test-" + std::to_string(::getpid()) + "-" + std::to_string(host);
  }
  void ip(std::vector<std::string> words) {
    words.insert(words.begin(), "ip");
    const RunResult result = run(words);
    if (result.status != 0 && reason_.empty()) reason_ = "ip: " + result.err;
  }
  std::string reason_;
};

class HostsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may make network namespaces";
    hosts_ = std::make_unique<Hosts>();
    if (!hosts_->ready())
      GTEST_SKIP() << "network namespaces are not to be had: " << hosts_->reason();
  }
  std::unique_ptr<Hosts> hosts_;
};

TEST_F(HostsTest, MeetAndSum) {
  Ranks ranks;
  for (int host : {0, 1}) ranks.push_back(hosts_->start(host, "all", Hosts::address(0)));
  sums_of(ranks);
}

// As under Debian, whose hosts have their own name at 127.0.1.1.
TEST_F(HostsTest, MeetWhereTheFirstKnowsItselfByLoopback) {
  Ranks ranks;
  ranks.push_back(hosts_->start(0, "all", "127.0.0.1"));
  ranks.push_back(hosts_->start(1, "all", Hosts::address(0)));
  sums_of(ranks);
}

TEST_F(HostsTest, ACutCableEndsBoth) {
  Ranks ranks;
  for (int host : {0, 1}) ranks.push_back(hosts_->start(host, "step", Hosts::address(0)));
  for (const auto& rank : ranks) rank->wait_for("ready");
  hosts_->cut_cable();
  expect_end(ranks);
  EXPECT_EQ(ranks.back()->wait(), 1);
}

}  // namespace
}  // namespace koi::test
