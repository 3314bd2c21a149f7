#include "koi/tensor/work_graphs.h"

namespace koi::tensor {

void WorkGraphs::run(int64_t key, const std::function<void()>& work) {
  const auto [entry, is_first] = graphs_.try_emplace(key);
  std::unique_ptr<at::GraphImplInterface>& graph = entry->second;
  if (!is_first && graph == nullptr && recording_ == Recording::where_possible) {
    auto recording = at::create_graph_impl(device_.type());
    if (recording != nullptr) {
      record(*recording, work);
      graph = std::move(recording);
    }
  }
  graph != nullptr ? graph->replay() : work();
}

void WorkGraphs::record(at::GraphImplInterface& graph, const std::function<void()>& work) {
  // Other threads may use the device meanwhile: the codec does.
  graph.capture_begin(pool_, at::GraphCaptureMode::ThreadLocal);
  try {
    work();
  } catch (...) {
    try {
      graph.capture_end();
    } catch (const std::exception&) {  // what `work` threw says more
    }
    throw;
  }
  graph.capture_end();
  pool_ = graph.pool();
}

}  // namespace koi::tensor
