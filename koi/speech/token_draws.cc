#include "koi/speech/token_draws.h"

#include <algorithm>
#include <limits>

namespace koi::speech {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

// As sampling.cc has it: the sum in double, probabilities rounded to float.
at::Tensor softmax(const at::Tensor& logits) {
  const at::Tensor powers = (logits - logits.amax(-1, /*keepdim=*/true)).exp_();
  return powers.div(powers.sum(-1, /*keepdim=*/true, at::kDouble)).to(at::kFloat);
}

// A token that was drawn several times is written several times, each time with the same value.
at::Tensor penalised(const at::Tensor& logits, const Repetition& repetition) {
  if (!repetition.previous.defined()) return logits;
  const at::Tensor chosen = logits.gather(1, repetition.previous);
  const at::Tensor costly =
      at::where(chosen.lt(0), chosen * repetition.penalty, chosen / repetition.penalty);
  return logits.scatter(1, repetition.previous, costly);
}

at::Tensor within_nucleus(const at::Tensor& logits, double top_p) {
  const auto [ranked, places] = logits.sort(/*stable=*/true, /*dim=*/-1, /*descending=*/true);
  const at::Tensor reached =
      softmax(logits).gather(1, places).cumsum(-1, at::kDouble).to(at::kFloat);
  at::Tensor outside = reached.gt(static_cast<double>(static_cast<float>(top_p)));
  outside.select(1, 0).fill_(false);  // the best token stays
  return at::empty_like(logits).scatter_(1, places, ranked.masked_fill_(outside, kNever));
}

}  // namespace

at::Tensor draw_tokens(const at::Tensor& logits, const Repetition& repetition,
                       const at::Tensor& noise, const SamplingOptions& options) {
  const at::Tensor costly = penalised(logits, repetition);
  if (options.greedy) return costly.argmax(-1);
  const at::Tensor kept = within_nucleus(costly, options.top_p);
  return softmax(kept / used_temperature(options)).div_(noise).argmax(-1);
}

at::Tensor damaged_rows(const at::Tensor& best) {
  return best.isfinite().all(-1).logical_not();  // amax passes NaNs on
}

}  // namespace koi::speech
