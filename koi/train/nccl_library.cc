#include "koi/train/nccl_library.h"

#include <dlfcn.h>

#include <filesystem>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "koi/base/error.h"
#include "koi/train/rendezvous.h"

namespace koi::train {
namespace {

constexpr const char* kKey = "trainer.strategy.process_group_backend";

}  // namespace

c10::intrusive_ptr<c10d::Backend> make_nccl(const NcclMember& member) {
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  // It stays loaded: the group's code lies in it.
  void* library = ::dlopen((program.parent_path() / "libkoi_nccl.so").c_str(), RTLD_NOW);
  const auto new_nccl =
      library == nullptr ? nullptr : reinterpret_cast<NewNccl>(::dlsym(library, kNewNcclName));
  if (new_nccl == nullptr) {
    throw Error(ErrorKind::unsupported, kKey,
                "nccl is not to be had (" + std::string(::dlerror()) + ")",
                "run scripts/setup with KOI_CUDA=1 and build again, or choose gloo");
  }
  const auto store = c10::make_intrusive<c10d::PrefixStore>("nccl", member.store);
  try {
    return c10::intrusive_ptr<c10d::Backend>::reclaim(
        new_nccl({store, member.rank, member.world_size, member.timeout}));
  } catch (const std::exception& error) {
    throw Error(ErrorKind::unsupported, kKey, "nccl cannot be used (" + reason(error) + ")",
                "choose gloo");
  }
}

}  // namespace koi::train
