// libkoi_cuda.so: CUDA graphs as libtorch's at::GraphImplInterface, which libtorch 2.15 itself has
// for other GPUs only. Apart from koi because it needs CUDA's headers and libtorch_cuda.so; loading
// it registers them.
#include <ATen/core/GraphImplInterface.h>
#include <ATen/cuda/CUDAGraph.h>

namespace koi::tensor {

static cudaStreamCaptureMode to_cuda(at::GraphCaptureMode mode) {
  switch (mode) {
    case at::GraphCaptureMode::ThreadLocal:
      return cudaStreamCaptureModeThreadLocal;
    case at::GraphCaptureMode::Relaxed:
      return cudaStreamCaptureModeRelaxed;
    default:
      return cudaStreamCaptureModeGlobal;
  }
}

class CudaGraph : public at::GraphImplInterface {
 public:
  explicit CudaGraph(const at::GraphImplArgs& arguments) : graph_(arguments.keep_graph) {}

  void capture_begin(at::MempoolId_t pool, at::GraphCaptureMode mode) override {
    graph_.capture_begin(pool, to_cuda(mode));
  }
  void capture_end() override { graph_.capture_end(); }
  void instantiate() override { graph_.instantiate(); }
  void replay() override { graph_.replay(); }
  void reset() override { graph_.reset(); }
  at::MempoolId_t pool() const override { return graph_.pool(); }
  void enable_debug_mode() override { graph_.enable_debug_mode(); }
  void debug_dump(const std::string&) override {
    TORCH_CHECK(false, "a CUDA graph cannot be written to a file here");
  }

 private:
  mutable at::cuda::CUDAGraph graph_;  // whose pool() is not const
};

}  // namespace koi::tensor

namespace at {
using koi::tensor::CudaGraph;
REGISTER_GRAPH_IMPL(CUDA, CudaGraph)
}  // namespace at
