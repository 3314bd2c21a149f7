#include "koi/train/metrics.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/support/temp_dir.h"

namespace koi::train {
namespace {

using testing::HasSubstr;

TEST(Metrics, RowsAreKeptUpToTheStepThatIsGoneOnFrom) {
  const test::TempDir folder;
  const auto path = folder / "metrics.jsonl";
  Metrics row{.step = 0, .validation = HeldOutLosses{.losses = {1, 2, 3, 0.5}, .interval = 0.25}};
  std::string lines = metrics_line(row) + "\n";
  row.train = LossValues{4, 5, 6, 0.25};
  for (row.step = 1; row.step <= 3; ++row.step) lines += metrics_line(row) + "\n";
  EXPECT_THAT(lines, HasSubstr("{\"step\":0,\"val_loss\":1.0,"));
  base::write_file(path, lines + "{\"step\":4,\"lo");
  keep_metrics(path, 2);
  const std::string text = base::read_file(path);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_THAT(text, HasSubstr("\"step\":2"));
  EXPECT_THAT(text, testing::Not(HasSubstr("\"step\":3")));
  keep_metrics(path, 0);
  EXPECT_EQ(base::read_file(path), "");
}

TEST(Metrics, AreReadAsTheyWereWritten) {
  const test::TempDir folder;
  const auto path = folder / "metrics.jsonl";
  const Metrics row{.step = 7,
                    .epoch = 1.25,
                    .train = LossValues{4, 5, 6, 0.25, 0.75},
                    .grad_norm = 0.5,
                    .lr = 1e-4,
                    .tokens = 300,
                    .tokens_per_s = 10,
                    .flops_per_s = 1e9,
                    .gemm_share = 0.5,
                    .memory = {.resident_bytes = 1 << 20, .peak_bytes = 1 << 21},
                    .time_left_s = 3,
                    .validation = HeldOutLosses{.losses = {1, 2, 3, 0.5}, .interval = 0.25}};
  base::write_file(path, metrics_line(row) + "\n");
  const auto rows = read_metrics(path);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(metrics_line(rows[0]), metrics_line(row));
  EXPECT_EQ(rows[0].train->alignment_loss, 0.75);
  EXPECT_EQ(rows[0].validation->losses.alignment_loss, 0);
  // Rows of an earlier koi, and what is no row.
  base::write_file(path,
                   "{\"step\":1,\"loss\":2.5}\n{\"step\":2,\"loss\":\"x\"}\n[]\n{\"step\":3}\n");
  const auto others = read_metrics(path);
  ASSERT_EQ(others.size(), 2u);
  EXPECT_FALSE(others[1].train);
  EXPECT_EQ(others[0].train->loss, 2.5);
  EXPECT_EQ(others[0].gemm_share, 0);
  EXPECT_FALSE(others[0].epoch || others[0].validation);
}

}  // namespace
}  // namespace koi::train
