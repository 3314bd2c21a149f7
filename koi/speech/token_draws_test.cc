#include "koi/speech/token_draws.h"

#include <gmock/gmock.h>

#include "koi/tensor/random.h"

namespace koi::speech {
namespace {

constexpr int64_t kRows = 5, kTokens = 300, kPrevious = 16;
constexpr float kNever = -std::numeric_limits<float>::infinity();

std::span<const float> row_of(const at::Tensor& rows, int64_t row) {
  return {rows.const_data_ptr<float>() + row * rows.size(1), static_cast<size_t>(rows.size(1))};
}

// What sample_token draws of each row.
std::vector<int64_t> one_by_one(const at::Tensor& logits, const at::Tensor& previous,
                                const at::Tensor& noise, const SamplingOptions& options) {
  std::vector<int64_t> drawn;
  for (int64_t row = 0; row < logits.size(0); ++row) {
    std::vector<int64_t> seen;
    if (previous.defined()) {
      const int64_t* from = previous[row].const_data_ptr<int64_t>();
      seen.assign(from, from + previous.size(1));
    }
    drawn.push_back(sample_token(row_of(logits, row), seen, options, [&](std::span<float> draws) {
      const std::span<const float> given = row_of(noise, row);
      std::copy(given.begin(), given.end(), draws.begin());
    }));
  }
  return drawn;
}

std::vector<int64_t> values_of(const at::Tensor& tensor) {
  const int64_t* from = tensor.const_data_ptr<int64_t>();
  return {from, from + tensor.numel()};
}

TEST(TokenDraws, AreThoseOfEachRow) {
  at::Generator generator = tensor::make_generator(3);
  std::vector<SamplingOptions> every{{.greedy = true}, {}, {.temperature = 0}};
  for (const double top_p : {0.0, 0.3, 1.0})
    every.push_back({.temperature = 1.3, .top_p = top_p, .repetition_penalty = 3});
  every.push_back({.temperature = 1, .top_p = 1, .repetition_penalty = 0.5});
  for (int trial = 0; trial < 40; ++trial) {
    at::Tensor logits = at::randn({kRows, kTokens}, generator) * 4;
    logits.slice(1, 0, kTokens, 7).fill_(kNever);
    logits.select(1, 20).copy_(logits.select(1, 21));  // equal ones
    const at::Tensor noise = at::empty({kRows, kTokens}).exponential_(1, generator);
    // Those that matter, some of them twice.
    const at::Tensor previous = at::cat(
        {std::get<1>(logits.topk(kPrevious / 2)), std::get<1>(logits.topk(kPrevious / 2))}, 1);
    for (const SamplingOptions& options : every) {
      const at::Tensor penalty = at::full({1}, options.repetition_penalty, at::kFloat);
      EXPECT_EQ(values_of(draw_tokens(logits, {previous, penalty}, noise, options)),
                one_by_one(logits, previous, noise, options));
      EXPECT_EQ(values_of(draw_tokens(logits, {}, noise, options)),
                one_by_one(logits, {}, noise, options));
    }
  }
}

TEST(TokenDraws, DamagedRowsAreTold) {
  at::Tensor logits = at::zeros({5, 4});
  logits.select(1, 0).fill_(kNever);
  logits[1][2] = std::numeric_limits<float>::quiet_NaN();
  logits[2][3] = -kNever;
  logits[3].fill_(kNever);
  const at::Tensor best = logits.amax(-1), sound = at::zeros({5});
  const at::Tensor damaged = damaged_rows(at::stack({best, sound}, 1));
  EXPECT_TRUE(at::equal(damaged, damaged_rows(at::stack({sound, best}, 1))));
  for (int64_t row = 0; row < 5; ++row) {
    const auto sample = [&] { sample_token(row_of(logits, row), {}, {.greedy = true}, {}); };
    if (damaged[row].item<bool>()) {
      EXPECT_ANY_THROW(sample()) << row;
    } else {
      EXPECT_NO_THROW(sample()) << row;
    }
  }
  EXPECT_EQ(damaged.sum().item<int64_t>(), 3);
}

}  // namespace
}  // namespace koi::speech
