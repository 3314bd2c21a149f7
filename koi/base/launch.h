// Who this process is among those of one run, as the program that started them says in the
// environment: torchrun, srun, mpirun (Open MPI, MPICH), or koi itself for trainer.devices=N.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "koi/base/share.h"

namespace koi::base {

struct Launch {
  std::string launcher;     // "torchrun", "srun", "mpirun"; empty: started alone
  int rank = 0;             // 0 .. world_size - 1
  int world_size = 1;       // processes of the run, on all machines
  int local_rank = 0;       // among those of this machine: the number of its GPU
  int local_size = 0;       // ranks on this machine; 0 where the launcher does not say
  std::string master_host;  // where rank 0 listens for the others; empty for a world of 1
  int master_port = 0;
  bool agent_listens = false;  // torchrun's own process listens there in rank 0's place
  std::string attempt = "0";   // torchrun counts its restarts: each meets apart from the last
  std::string interface;       // GLOO_SOCKET_IFNAME: the network to use, "eth0"; empty: as found

  bool alone() const { return world_size == 1; }
  bool is_first() const { return rank == 0; }
  // The part of work whose processes never meet.
  Share share() const { return {static_cast<size_t>(rank), static_cast<size_t>(world_size)}; }
};

// The value of a variable, nullptr where it is not set.
using Environment = std::function<const char*(const char*)>;

// Reads, in this order (the first that is there counts, because an inner launcher keeps the
// variables of an outer one):
//   torchrun  RANK, WORLD_SIZE; LOCAL_RANK (0), LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT,
//             TORCHELASTIC_USE_AGENT_STORE, TORCHELASTIC_RESTART_COUNT. koi sets the same.
//   mpirun    OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK, _LOCAL_SIZE
//   mpirun    PMI_RANK, PMI_SIZE, MPI_LOCALRANKID, MPI_LOCALNRANKS. Without the last two the ranks
//             are taken to be on one machine. srun sets PMI_RANK too: without MPI_LOCALNRANKS it
//             is srun that counts.
//   srun      SLURM_PROCID, SLURM_STEP_NUM_TASKS or SLURM_NTASKS, SLURM_LOCALID; the first host of
//             SLURM_STEP_NODELIST or SLURM_JOB_NODELIST, a port made of SLURM_JOB_ID and
//             SLURM_STEP_ID. A batch script, which srun did not start, has none of SLURM_STEP_*:
//             it is alone, however many tasks its job may have.
// MASTER_ADDR and MASTER_PORT always come before what else would say it. Under mpirun they default
// to 127.0.0.1 and 29500; MASTER_ADDR is required beyond one machine. Throws Error(usage) naming
// the variable for what is missing, no number, out of range, or contradicts another.
Launch read_launch(const Environment& environment);
Launch read_launch();  // of this process

// The same for work whose processes never meet: all that tells where they would stays as it is by
// default, and need not be set.
Launch read_ranks(const Environment& environment);
Launch read_ranks();  // of this process

// The first host of a list as Slurm writes it: "gpu[03-05,9],cpu1" -> "gpu03". Throws Error(usage)
// where the list is empty or its brackets do not match.
std::string first_host(const std::string& node_list);

}  // namespace koi::base
