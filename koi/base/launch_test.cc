#include "koi/base/launch.h"

#include <gmock/gmock.h>

#include <map>

#include "koi/base/error.h"

namespace koi::base {
namespace {

using Variables = std::map<std::string, std::string>;

Environment environment_of(const Variables& variables) {
  return [&variables](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

Launch read(const Variables& variables) { return read_launch(environment_of(variables)); }

// The line that the variables are refused with; empty where they are taken.
std::string refusal(const Variables& variables) {
  try {
    read(variables);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "";
}

Variables with(Variables variables, const Variables& changes) {
  for (const auto& [name, value] : changes) variables[name] = value;
  return variables;
}

const Variables kTorchrun{{"RANK", "5"},
                          {"WORLD_SIZE", "8"},
                          {"LOCAL_RANK", "1"},
                          {"LOCAL_WORLD_SIZE", "4"},
                          {"MASTER_ADDR", "node0"},
                          {"MASTER_PORT", "29501"}};
const Variables kSrun{{"SLURM_PROCID", "3"},    {"SLURM_NTASKS", "4"},
                      {"SLURM_LOCALID", "1"},   {"SLURM_JOB_NODELIST", "gpu[03-04]"},
                      {"SLURM_JOB_ID", "4711"}, {"SLURM_STEP_ID", "2"}};
const Variables kOpenMpi{{"OMPI_COMM_WORLD_RANK", "1"},
                         {"OMPI_COMM_WORLD_SIZE", "2"},
                         {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                         {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
const Variables kMpich{
    {"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "2"}};

struct Case {
  const char* name;
  Variables variables;
  Launch expected;
};

Launch launch(const char* launcher, std::vector<int> ranks, const char* host, int port) {
  Launch result;
  result.launcher = launcher;
  result.rank = ranks[0];
  result.world_size = ranks[1];
  result.local_rank = ranks[2];
  result.local_size = ranks[3];
  result.master_host = host;
  result.master_port = port;
  return result;
}

TEST(Launch, ReadsWhatEachLauncherSets) {
  const std::vector<Case> cases{
      {"alone", {}, launch("", {0, 1, 0, 0}, "", 0)},
      {"torchrun", kTorchrun, launch("torchrun", {5, 8, 1, 4}, "node0", 29501)},
      {"by hand, as torch's env:// has it",
       {{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "::1"}, {"MASTER_PORT", "1"}},
       launch("torchrun", {1, 2, 0, 0}, "::1", 1)},
      {"torchrun of one",
       {{"RANK", "0"}, {"WORLD_SIZE", "1"}},
       launch("torchrun", {0, 1, 0, 0}, "", 0)},
      {"torchrun inside srun", with(kSrun, kTorchrun),
       launch("torchrun", {5, 8, 1, 4}, "node0", 29501)},
      {"srun", kSrun, launch("srun", {3, 4, 1, 0}, "gpu03", 10000 + (4711 * 16 + 2) % 20000)},
      {"srun of a part of the job",
       with(kSrun, {{"SLURM_STEP_NUM_TASKS", "5"}, {"SLURM_STEP_NODELIST", "gpu04,gpu09"}}),
       launch("srun", {3, 5, 1, 0}, "gpu04", 10000 + (4711 * 16 + 2) % 20000)},
      {"srun with an address", with(kSrun, {{"MASTER_ADDR", "10.0.0.1"}, {"MASTER_PORT", "77"}}),
       launch("srun", {3, 4, 1, 0}, "10.0.0.1", 77)},
      {"srun --mpi=pmi2", with(kSrun, {{"PMI_RANK", "3"}, {"PMI_SIZE", "4"}}),
       launch("srun", {3, 4, 1, 0}, "gpu03", 10000 + (4711 * 16 + 2) % 20000)},
      {"srun of one task",
       {{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}},
       launch("srun", {0, 1, 0, 0}, "", 0)},
      {"a batch script, not started by srun",
       {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_JOB_ID", "4711"}},
       launch("", {0, 1, 0, 0}, "", 0)},
      {"Open MPI", kOpenMpi, launch("mpirun", {1, 2, 1, 2}, "127.0.0.1", 29500)},
      {"Open MPI in a batch script", with(kOpenMpi, {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "2"}}),
       launch("mpirun", {1, 2, 1, 2}, "127.0.0.1", 29500)},
      {"Open MPI on two machines",
       with(kOpenMpi, {{"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                       {"OMPI_COMM_WORLD_LOCAL_SIZE", "1"},
                       {"MASTER_ADDR", "a"}}),
       launch("mpirun", {1, 2, 0, 1}, "a", 29500)},
      {"MPICH", kMpich, launch("mpirun", {1, 2, 1, 2}, "127.0.0.1", 29500)},
      {"MPICH in a batch script", with(kMpich, {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "2"}}),
       launch("mpirun", {1, 2, 1, 2}, "127.0.0.1", 29500)},
      {"an MPI that names only the rank",
       {{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}},
       launch("mpirun", {1, 2, 1, 2}, "127.0.0.1", 29500)},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    const Launch found = read(test.variables);
    EXPECT_EQ(found.launcher, test.expected.launcher);
    EXPECT_EQ(found.rank, test.expected.rank);
    EXPECT_EQ(found.world_size, test.expected.world_size);
    EXPECT_EQ(found.local_rank, test.expected.local_rank);
    EXPECT_EQ(found.local_size, test.expected.local_size);
    EXPECT_EQ(found.master_host, test.expected.master_host);
    EXPECT_EQ(found.master_port, test.expected.master_port);
  }
}

// Work whose processes never meet needs no address, whoever starts them.
TEST(Launch, ReadsRanksAloneWhereNobodyMeets) {
  const std::vector<std::pair<Variables, std::vector<int>>> cases{
      {{}, {0, 1}},
      {{{"RANK", "2"}, {"WORLD_SIZE", "3"}}, {2, 3}},
      {{{"SLURM_PROCID", "3"}, {"SLURM_STEP_NUM_TASKS", "4"}}, {3, 4}},
      {{{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}}, {1, 2}},
  };
  for (const auto& [variables, ranks] : cases) {
    const Launch found = read_ranks(environment_of(variables));
    EXPECT_EQ(found.rank, ranks[0]);
    EXPECT_EQ(found.world_size, ranks[1]);
    EXPECT_EQ(found.master_host, "");
  }
  const Variables beyond{{"RANK", "3"}, {"WORLD_SIZE", "3"}};
  EXPECT_THROW(read_ranks(environment_of(beyond)), Error);
}

TEST(Share, AllOfThemHaveEachItemOnce) {
  for (const size_t ranks : {1, 3, 8}) {
    std::vector<int> all{0, 1, 2, 3, 4, 5, 6}, seen;
    for (size_t rank = 0; rank < ranks; ++rank) {
      const Share share{rank, ranks};
      const std::vector<int> some = share.of(all);
      EXPECT_EQ(some.size(), share.size_of(all.size()));
      for (size_t i = 1; i < some.size(); ++i) EXPECT_LT(some[i - 1], some[i]);
      seen.insert(seen.end(), some.begin(), some.end());
    }
    EXPECT_THAT(seen, testing::UnorderedElementsAreArray(all)) << ranks;
  }
}

TEST(Launch, KnowsWhereTorchrunListensItself) {
  EXPECT_FALSE(read(kTorchrun).agent_listens);
  const Launch found = read(with(
      kTorchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "True"}, {"TORCHELASTIC_RESTART_COUNT", "2"}}));
  EXPECT_TRUE(found.agent_listens);
  EXPECT_EQ(found.attempt, "2");
}

TEST(Launch, RefusesNonsenseInOneLine) {
  const std::vector<std::pair<Variables, const char*>> cases{
      {{{"RANK", "0"}}, "WORLD_SIZE: is not set"},
      {{{"WORLD_SIZE", "2"}}, "RANK: is not set"},
      {with(kTorchrun, {{"RANK", "eight"}}), "RANK: expected a number of 0 to 65535"},
      {with(kTorchrun, {{"RANK", "1 "}}), "found \"1 \""},
      {with(kTorchrun, {{"RANK", "-1"}}), "found \"-1\""},
      {with(kTorchrun, {{"RANK", "99999999999999999999"}}), "found \"99999999999999999999\""},
      {with(kTorchrun, {{"WORLD_SIZE", "0"}}), "WORLD_SIZE: expected a number of 1 to 65536"},
      {with(kTorchrun, {{"RANK", "8"}}), "RANK: 8 contradicts WORLD_SIZE, which is 8"},
      {with(kTorchrun, {{"LOCAL_RANK", "4"}}), "LOCAL_RANK: 4 contradicts LOCAL_WORLD_SIZE"},
      {with(kTorchrun, {{"RANK", "0"}}), "LOCAL_RANK: 1 contradicts RANK, which is 0"},
      {with(kTorchrun, {{"LOCAL_WORLD_SIZE", "9"}}), "LOCAL_WORLD_SIZE: 9 contradicts WORLD_SIZE"},
      {with(kTorchrun, {{"MASTER_ADDR", ""}}), "MASTER_ADDR: is not set"},
      {with(kTorchrun, {{"MASTER_ADDR", "a\nb"}}), "found \"a\\nb\""},
      {with(kTorchrun, {{"MASTER_PORT", "0"}}), "MASTER_PORT: expected a number of 1 to 65535"},
      {with(kTorchrun, {{"MASTER_PORT", "65536"}}), "MASTER_PORT: expected a number"},
      {{{"SLURM_PROCID", "0"}, {"SLURM_STEP_ID", "0"}}, "SLURM_NTASKS: is not set"},
      {with(kSrun, {{"SLURM_JOB_NODELIST", "gpu[03-04"}}), "no host can be read"},
      {with(kSrun, {{"SLURM_JOB_NODELIST", ""}}), "SLURM_JOB_NODELIST: is not set"},
      {with(kSrun, {{"SLURM_JOB_ID", "x"}}), "SLURM_JOB_ID: expected a number"},
      {with(kOpenMpi, {{"OMPI_COMM_WORLD_LOCAL_SIZE", "1"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "0"}}),
       "MASTER_ADDR: is not set, and mpirun does not say where rank 0 is"},
      {{{"OMPI_COMM_WORLD_SIZE", "2"}}, "OMPI_COMM_WORLD_RANK: is not set"},
      {with(kMpich, {{"PMI_RANK", "2"}}), "PMI_RANK: 2 contradicts PMI_SIZE, which is 2"},
  };
  for (const auto& [variables, expected] : cases) {
    const std::string line = refusal(variables);
    EXPECT_THAT(line, testing::HasSubstr(expected));
    EXPECT_EQ(line.find('\n'), std::string::npos);
  }
}

TEST(Launch, FindsTheFirstHostOfASlurmList) {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"node1", "node1"},
      {"node1,node2", "node1"},
      {"node[1-4]", "node1"},
      {"node[007,9-12],other", "node007"},
      {"gpu[2]-ib[0-1],x", "gpu2-ib0"},
      {"a[1-2].example.org", "a1.example.org"},
  };
  for (const auto& [list, host] : cases) EXPECT_EQ(first_host(list), host) << list;
  for (const char* list : {"", ",a", "a[", "a[1", "a[]", "a[-2]", "a]1"})
    EXPECT_THROW(first_host(list), Error) << list;
}

}  // namespace
}  // namespace koi::base
