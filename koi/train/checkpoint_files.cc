#include "koi/train/checkpoint_files.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "koi/base/error.h"

namespace koi::train {
namespace {

constexpr std::string_view kStem = "step_";

// NUMBER of step_NUMBER.ckpt; nothing for other names.
std::optional<int64_t> step_of(const base::fs::path& path) {
  const std::string stem = path.stem().string();
  if (path.extension() != ".ckpt" || !stem.starts_with(kStem)) return std::nullopt;
  int64_t step = 0;
  const char* end = stem.data() + stem.size();
  const auto read = std::from_chars(stem.data() + kStem.size(), end, step);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return step;
}

}  // namespace

base::fs::path checkpoint_path(const base::fs::path& folder, int64_t step) {
  char name[48];
  std::snprintf(name, sizeof(name), "step_%09lld.ckpt", static_cast<long long>(step));
  return folder / name;
}

std::vector<base::fs::path> list_checkpoints(const base::fs::path& folder) {
  if (!base::fs::is_directory(folder)) return {};
  auto files = base::list_files(
      folder, [](const auto& path) { return step_of(path).has_value(); }, /*recursive=*/false);
  std::stable_sort(files.begin(), files.end(),
                   [](const auto& a, const auto& b) { return *step_of(a) < *step_of(b); });
  return files;
}

void prune_checkpoints(const base::fs::path& folder, const KeepOptions& options) {
  const auto files = list_checkpoints(folder);
  int64_t kept = 0;
  for (size_t i = files.size(); i-- > 0;) {
    const int64_t step = *step_of(files[i]);
    const bool regular = i + 1 == files.size() || step % options.interval == 0;
    const bool stays = regular && (options.newest < 0 || kept < options.newest);
    if (stays) ++kept;
    if (!stays && step != options.best) base::fs::remove(files[i]);
  }
}

void link_best(const base::fs::path& folder, int64_t step) {
  const base::fs::path link = folder / "best.ckpt", fresh = folder / ".best.ckpt.koi-tmp";
  const base::fs::path target = checkpoint_path(folder, step);
  std::error_code error;
  base::fs::remove(fresh, error);
  if (step == 0 || !base::fs::exists(target)) {
    base::fs::remove(link, error);
    return;
  }
  base::fs::create_symlink(target.filename(), fresh, error);
  if (!error) base::fs::rename(fresh, link, error);
  if (error) throw Error(ErrorKind::io, link.string(), "cannot be made: " + error.message());
}

}  // namespace koi::train
