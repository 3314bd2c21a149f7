// The draws of sampling.h for several rows at once, by tensors on any device. Nothing waits for a
// device, and no shape depends on a value.
#pragma once

#include "koi/speech/sampling.h"
#include "koi/tensor/torch.h"

namespace koi::speech {

// What of each row was drawn before, and what it costs.
struct Repetition {
  at::Tensor previous;  // int64 [B, m]; undefined: nothing
  at::Tensor penalty;   // float [1], 1 is none; in place of SamplingOptions::repetition_penalty
};

// sample_token of each row of `logits`, float [B, n], -infinity where a token cannot be drawn, with
// the row of `noise`, float [B, n], which options.greedy does not look at: int64 [B]. Rows without
// a token that can be drawn, and with a NaN or an infinity, give any token: see damaged_rows.
// Differs from sample_token by roundings of exponentials: an ulp of a probability.
at::Tensor draw_tokens(const at::Tensor& logits, const Repetition& repetition,
                       const at::Tensor& noise, const SamplingOptions& options);

// Of which rows sample_token says that the model is damaged in one of several draws: bool [B].
// `best` [B, draws] are the greatest logits of each.
at::Tensor damaged_rows(const at::Tensor& best);

}  // namespace koi::speech
