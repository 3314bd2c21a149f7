// One rank of the process group's tests: rank_program MODE. Reads who it is from the environment,
// how long a peer may be silent from KOI_TEST_TIMEOUT_S, and the backend from KOI_TEST_BACKEND
// (gloo). An Error becomes a line on standard error and status 1, as in koi.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <thread>

#include "cli/launch_ranks.h"
#include "koi/base/hash.h"
#include "koi/base/interrupt.h"
#include "koi/tensor/device.h"
#include "koi/train/process_group.h"
#include "tests/support/train_steps.h"

namespace {

using koi::train::ProcessGroup;

double timeout_s() { return std::atof(std::getenv("KOI_TEST_TIMEOUT_S")); }

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

[[noreturn]] void fail(const std::string& what) {
  throw koi::Error(koi::ErrorKind::internal, "rank_program", what);
}

std::string digest(const std::vector<at::Tensor>& tensors) {
  std::string bytes;
  for (const at::Tensor& tensor : tensors) {
    const at::Tensor whole = tensor.contiguous();
    bytes.append(static_cast<const char*>(whole.const_data_ptr()), whole.nbytes());
  }
  return koi::base::sha256_hex(bytes);
}

// What rank `rank` brings: many small tensors, large ones beyond a bucket, half precision, an empty
// one, one that is not contiguous.
std::vector<at::Tensor> contribution(int rank) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(static_cast<uint64_t>(rank) + 1);
  std::vector<at::Tensor> tensors;
  const auto add = [&](at::IntArrayRef shape, at::ScalarType type) {
    tensors.push_back(at::randn(shape, generator, at::kFloat).to(type));
  };
  for (int i = 0; i < 500; ++i) add({1 + i % 7, 3}, at::kFloat);
  add({2600, 2600}, at::kFloat);
  add({0}, at::kFloat);
  add({5, 7}, at::kBFloat16);
  add({11}, at::kDouble);
  tensors.push_back(at::randn({6, 4}, generator, at::kFloat).t());
  return tensors;
}

void check_sums(ProcessGroup& group) {
  std::vector<at::Tensor> mine = contribution(group.rank());
  std::vector<std::vector<at::Tensor>> all;
  for (int rank = 0; rank < group.size(); ++rank) all.push_back(contribution(rank));
  group.sum_tensors(mine);
  for (size_t i = 0; i < mine.size(); ++i) {
    at::Tensor exact = at::zeros_like(mine[i], at::kDouble);
    for (const auto& of_rank : all) exact += of_rank[i].to(at::kDouble);
    // A sum of up to 4 standard normal numbers stays below 32: 16 units in the last place there
    // allow for its 3 roundings in any order.
    const double epsilon = mine[i].scalar_type() == at::kBFloat16 ? std::ldexp(1, -8)
                           : mine[i].scalar_type() == at::kDouble ? std::ldexp(1, -52)
                                                                  : std::ldexp(1, -23);
    const at::Tensor error = (mine[i].to(at::kDouble) - exact).abs();
    if (mine[i].numel() > 0 && !(error.max().item<double>() <= 16 * epsilon))
      fail("tensor " + std::to_string(i) + " is no sum");
  }
  say("sums " + digest(mine));
}

void check_numbers(ProcessGroup& group) {
  const double rank = group.rank(), size = group.size();
  const auto sums = group.sum_numbers({1, rank, 0.5, 1e15});
  if (sums != std::vector<double>{size, size * (size - 1) / 2, 0.5 * size, 1e15 * size})
    fail("the numbers are no sums");
  if (group.any(false)) fail("nobody said so");
  if (!group.any(group.rank() == group.size() - 1)) fail("the last rank said so");
}

void check_broadcast(ProcessGroup& group) {
  std::vector<at::Tensor> mine = contribution(group.rank());
  group.broadcast(mine);
  if (digest(mine) != digest(contribution(0))) fail("these are not rank 0's tensors");
}

void all(ProcessGroup& group) {
  check_sums(group);
  check_numbers(group);
  check_broadcast(group);
  group.require_same("the text", "same");
}

// Until the test does something to one of the ranks.
void step_for_ever(ProcessGroup& group) {
  say("ready");
  while (!group.any(koi::base::stop_requested())) {
  }
}

// Asks nothing of the group: only the callback can tell.
void compute_for_ever(ProcessGroup&) {
  say("ready");
  while (true) std::this_thread::sleep_for(std::chrono::seconds(1));
}

void be_slow(ProcessGroup& group) {
  if (group.rank() == 1)
    std::this_thread::sleep_for(std::chrono::duration<double>(3 * timeout_s()));
  group.barrier();
}

// Training on all ranks against the same training here alone, whose batches are those of all ranks.
void check_training(ProcessGroup& group, koi::train::LossReduction reduction, int batches_alone) {
  constexpr double kNear = 1e-5;  // fp32 sums in another order
  ProcessGroup alone(koi::base::Launch{}, {});
  const auto together = koi::test::train_steps(1, reduction, group);
  const auto here = koi::test::train_steps(batches_alone, reduction, alone);
  const double difference = koi::test::difference(together, here);
  if (!(difference < kNear)) fail("the ranks differ by " + std::to_string(difference));
  say("sums " + digest(together.adapters));
}

const std::map<std::string, std::function<void(ProcessGroup&)>> kModes{
    {"all", all},
    {"step", step_for_ever},
    {"compute", compute_for_ever},
    {"slow", be_slow},
    {"train",
     [](ProcessGroup& group) { check_training(group, koi::train::LossReduction::tokens, 1); }},
    {"train-reference",
     [](ProcessGroup& group) {
       check_training(group, koi::train::LossReduction::reference, group.size());
     }},
    {"throw",
     [](ProcessGroup& group) {
       if (group.rank() == 1) fail("rank 1 has a fault of its own");
       group.barrier();
     }},
    {"other-shapes",
     [](ProcessGroup& group) { group.sum_tensors({at::ones({2 + group.rank()})}); }},
    {"other-text",
     [](ProcessGroup& group) {
       group.require_same("the configuration", group.rank() == 1 ? "b" : "a");
     }},
};

int run(const std::string& mode) {
  koi::train::ProcessGroupOptions options;
  options.timeout_s = timeout_s();
  const char* backend = std::getenv("KOI_TEST_BACKEND");
  if (backend != nullptr && std::strcmp(backend, "nccl") == 0)
    options.backend = koi::train::Backend::nccl;
  options.lost = [](const koi::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::_Exit(1);
  };
  ProcessGroup group(koi::base::read_launch(), options);
  kModes.at(mode)(group);
  group.finish();
  say("done");
  return 0;
}

}  // namespace

// rank_program MODE, or rank_program launch N MODE: N of them through koi's own launcher.
int main(int argc, char** argv) {
  try {
    koi::base::catch_interrupts();
    if (argc == 4 && std::strcmp(argv[1], "launch") == 0)
      return koi::cli::launch_ranks(std::atoi(argv[2]), {argv[0], argv[3]});
    koi::tensor::set_threads(1);
    return run(argv[1]);
  } catch (const koi::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
