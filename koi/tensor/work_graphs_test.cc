#include "koi/tensor/work_graphs.h"

#include <gmock/gmock.h>

#include "koi/tensor/transfer.h"
#include "tests/support/watched_ops.h"

namespace koi::tensor {
namespace {

using test::RecordedGraph;

// x becomes 2 x + step, where `step` counts up: by an operation of many parts, by memory of its
// own, by views, in place.
struct Counter {
  at::Tensor x = at::ones({2, 3}), step = at::zeros({1});

  void work() const {
    const at::Tensor doubled = at::linear(x, at::eye(3) * 2);
    x.copy_(doubled + step);
    x.select(0, 1).neg_().neg_();
    step.add_(1);
  }
};

TEST(WorkGraphs, AreRunOnceThenRecordedThenPlayed) {
  const c10::InferenceMode no_gradients;
  const test::RecordingOnCpu recording;
  const Counter plain, played;
  WorkGraphs graphs(at::kCPU);
  size_t calls = 0;
  for (int i = 0; i < 6; ++i) {
    plain.work();
    graphs.run(7, [&] {
      ++calls;
      played.work();
    });
    EXPECT_TRUE(at::equal(played.x, plain.x)) << i;
    EXPECT_TRUE(at::equal(played.step, plain.step)) << i;
  }
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(RecordedGraph::use().captured, 1);
  EXPECT_EQ(RecordedGraph::use().replayed, 5);
}

TEST(WorkGraphs, KeysAreApart) {
  const c10::InferenceMode no_gradients;
  const test::RecordingOnCpu recording;
  WorkGraphs graphs(at::kCPU);
  const at::Tensor sum = at::zeros({1});
  for (int i = 0; i < 4; ++i) {
    graphs.run(1, [&] { sum.add_(1); });
    graphs.run(2, [&] { sum.add_(10); });
  }
  EXPECT_EQ(sum.item<float>(), 44);
  EXPECT_EQ(RecordedGraph::use().captured, 2);
}

TEST(WorkGraphs, WithoutGraphsTheWorkIsDoneEachTime) {
  int calls = 0;
  WorkGraphs graphs(at::kCPU);
  for (int i = 0; i < 4; ++i) graphs.run(1, [&] { ++calls; });
  EXPECT_EQ(calls, 4);
  const test::RecordingOnCpu recording;
  WorkGraphs unwanted(at::kCPU, Recording::never);
  for (int i = 0; i < 4; ++i) unwanted.run(1, [&] { ++calls; });
  EXPECT_EQ(calls, 8);
}

TEST(WorkGraphs, WorkThatWaitsIsRefusedAndCanBeTriedAgain) {
  const c10::InferenceMode no_gradients;
  const test::RecordingOnCpu recording;
  WorkGraphs graphs(at::kCPU);
  const at::Tensor sum = at::zeros({1});
  const auto waits = [&] { sum.add_(sum.item<float>() + 1); };
  graphs.run(1, waits);
  EXPECT_THROW(graphs.run(1, waits), std::logic_error);
  EXPECT_EQ(sum.item<float>(), 1);
  graphs.run(1, [&] { sum.add_(1); });
  EXPECT_EQ(sum.item<float>(), 2);
}

TEST(WatchedOps, WaitsAreSeenInsideOfOtherOperations) {
  const c10::InferenceMode no_gradients;
  const at::Tensor x = at::arange(4);
  const auto names_of = [](const std::function<void()>& work) {
    test::HostWaits watched;
    work();
    EXPECT_GT(watched.seen, 0);
    return watched.names;
  };
  EXPECT_THAT(names_of([&] { x.add(1).sum(); }), testing::IsEmpty());
  EXPECT_THAT(names_of([&] { x.sum().item<int64_t>(); }),
              testing::ElementsAre("aten::_local_scalar_dense"));
  EXPECT_THAT(names_of([&] { x.gt(1).nonzero(); }), testing::ElementsAre("aten::nonzero"));
  EXPECT_THAT(names_of([&] { x.to(at::kCPU, at::kFloat); }),
              testing::ElementsAre("aten::_to_copy"));
  EXPECT_THAT(names_of([&] { x.to(at::kFloat); }), testing::IsEmpty());
}

TEST(Transfer, OnACpuEverythingIsThereAtOnce) {
  const at::Tensor x = at::ones({3});
  EXPECT_TRUE(upload(x, at::kCPU).is_same(x));
  EXPECT_FALSE(staging({2}, at::kInt, at::kCPU).is_pinned());
  wait_for(at::kCPU);
  const OwnStream stream(at::kCPU);
  const OwnStream::Scope scope(stream);
  LateReads reads(at::kCPU);
  reads.push(x);
  x.add_(1);
  reads.push(x);
  EXPECT_EQ(reads.size(), 2);
  EXPECT_EQ(reads.pop().sum().item<float>(), 3);
  EXPECT_EQ(reads.pop().sum().item<float>(), 6);
}

}  // namespace
}  // namespace koi::tensor
