#include "koi/train/run_folder.h"

#include <fmt/format.h>

#include "koi/base/error.h"
#include "koi/config/yaml.h"

namespace koi::train {

using config::Node;

void write_hydra_files(const base::fs::path& folder, const config::Composition& composition,
                       const std::string& config_name, const std::vector<std::string>& overrides) {
  config::List given;
  for (const std::string& text : overrides) given.push_back(Node(text));
  Node by_task(config::Map{});
  by_task.set("task", Node(given));
  Node job(config::Map{});
  job.set("name", Node(std::string("train")));
  job.set("config_name", Node(config_name));
  Node hydra = composition.hydra;
  hydra.set("overrides", std::move(by_task));
  hydra.set("job", std::move(job));
  Node root(config::Map{});
  root.set("hydra", std::move(hydra));

  const base::fs::path target = folder / ".hydra";
  base::make_folder(target);
  base::write_file(target / "config.yaml", config::dump_yaml(composition.config));
  base::write_file(target / "overrides.yaml", config::dump_yaml(Node(given)));
  base::write_file(target / "hydra.yaml", config::dump_yaml(root));
}

void hold_run_folder(base::FolderLock& lock, const base::fs::path& folder) {
  base::make_folder(folder);
  if (lock.try_lock(folder)) return;
  throw Error(ErrorKind::io, folder.string(), "another run is at work in it",
              "wait for its end, or give this one another name: project=NAME");
}

base::fs::path sample_path(const base::fs::path& run_folder, int64_t step) {
  return run_folder / "samples" / fmt::format("step_{:09}.wav", step);
}

}  // namespace koi::train
