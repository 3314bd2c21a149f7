#include "koi/train/losses.h"

#include <algorithm>
#include <limits>

#include "koi/dataset/sample.h"
#include "koi/lm/recompute.h"
#include "koi/tensor/transfer.h"

namespace koi::train {
namespace {

// How many labels, -100 and 0 left out, are among the 5 best of their row.
at::Tensor count_hits(const at::Tensor& logits, const at::Tensor& labels) {
  const at::NoGradGuard no_grad;
  const auto counted = labels.ne(dataset::kIgnoredLabel).logical_and_(labels.ne(0));
  const auto best = std::get<1>(logits.topk(std::min<int64_t>(5, logits.size(-1)), -1));
  return best.eq(labels.unsqueeze(-1)).any(-1).logical_and_(counted).sum().to(at::kFloat);
}

// Sum of cross entropies and the count of hits, [2]; only the first carries gradients. logits
// [N, ..., classes], labels [N, ...].
at::Tensor entropy_and_hits(const at::Tensor& logits, const at::Tensor& labels) {
  const auto rows = logits.flatten(0, -2).to(at::kFloat);
  const auto wanted = labels.flatten();
  const auto entropy =
      at::cross_entropy_loss(rows, wanted, {}, at::Reduction::Sum, dataset::kIgnoredLabel);
  return at::stack({entropy, count_hits(rows, wanted)});
}

// What turns hidden rows into logits, and how many logits come of one row.
struct Head {
  std::function<at::Tensor(const at::Tensor&)> logits;
  int64_t logits_per_row = 0;
};

// entropy_and_hits over the rows of x [N, ..., D], kLogitsAtOnce at a time.
at::Tensor sum_over_rows(const at::Tensor& x, const at::Tensor& labels, const Head& head,
                         at::Generator* generator) {
  const int64_t rows = std::max<int64_t>(1, kLogitsAtOnce / head.logits_per_row);
  if (x.size(0) <= rows) return entropy_and_hits(head.logits(x), labels);
  at::Tensor sum;
  for (int64_t from = 0; from < x.size(0); from += rows) {
    const int64_t count = std::min(rows, x.size(0) - from);
    const auto compute = [head, part = labels.narrow(0, from, count)](const at::Tensor& some) {
      return entropy_and_hits(head.logits(some), part);
    };
    const auto part = lm::recompute(compute, x.narrow(0, from, count), generator);
    sum = sum.defined() ? sum + part : part;
  }
  return sum;
}

Head token_head(const lm::DualAr& model, const lm::ForwardOptions& options) {
  const lm::Dropout dropout{options.train, options.generator};
  return {[&model, dropout](const at::Tensor& x) { return model.token_logits(x, dropout); },
          model.config().vocab_size};
}

// Among the tokens of texts: of those that row 0 asks for where frames are (the next frame, the
// end) nothing is said, or a frame in which something is spoken would ask not to end.
Head text_head(const lm::DualAr& model, const at::Tensor& labels,
               const lm::ForwardOptions& options) {
  const auto frames = labels.select(1, 1).ne(dataset::kIgnoredLabel);
  const auto asked = std::get<0>(at::_unique(labels.select(1, 0).masked_select(frames)));
  Head head = token_head(model, options);
  head.logits = [all = head.logits,
                 others = tensor::upload(asked, model.device())](const at::Tensor& x) {
    return all(x).index_fill(-1, others, -std::numeric_limits<double>::infinity());
  };
  return head;
}

// Over those of `wanted` [B*T] that count.
at::Tensor sum_over_tokens(const lm::DualAr& model, const lm::DualArHidden& hidden,
                           const at::Tensor& wanted, const Head& head,
                           const lm::ForwardOptions& options) {
  const auto rows = wanted.ne(dataset::kIgnoredLabel).nonzero().squeeze(1);
  const at::Device device = model.device();
  return sum_over_rows(hidden.slow.index_select(0, tensor::upload(rows, device)),
                       tensor::upload(wanted.index_select(0, rows), device), head,
                       options.generator);
}

// Over the labels of rows 1..K. Positions without a next frame have logits of exactly zero.
at::Tensor sum_over_codes(const lm::DualAr& model, const lm::DualArHidden& hidden,
                          const at::Tensor& labels, const lm::ForwardOptions& options) {
  const lm::ModelConfig& config = model.config();
  const int64_t codebooks = config.num_codebooks;
  const auto wanted = labels.narrow(1, 1, codebooks).mT().reshape({-1, codebooks});  // [B*T, K]
  const lm::Dropout dropout{options.train, options.generator};
  const Head head{[&model, dropout](const at::Tensor& x) { return model.code_logits(x, dropout); },
                  codebooks * config.codebook_size};
  const auto on_device = [&](const at::Tensor& rows) {
    return tensor::upload(wanted.index_select(0, rows), model.device());
  };
  const double stands_for =
      static_cast<double>(hidden.rows.numel()) / static_cast<double>(hidden.fast_rows.numel());
  const auto computed =
      sum_over_rows(hidden.fast, on_device(hidden.fast_rows), head, options.generator) * stands_for;

  const auto other = wanted.ne(dataset::kIgnoredLabel).any(1).index_fill_(0, hidden.rows, false);
  const auto rows = other.nonzero().squeeze(1);
  const auto zeros = at::zeros({rows.numel(), codebooks, config.codebook_size}, computed.options());
  return computed + entropy_and_hits(zeros, on_device(rows));
}

at::Tensor ratio(const at::Tensor& sum, double count) { return sum / (count > 0 ? count : 1); }

}  // namespace

LabelCounts& LabelCounts::operator+=(const LabelCounts& other) {
  tokens += other.tokens;
  codes += other.codes;
  accuracy += other.accuracy;
  alignment += other.alignment;
  return *this;
}

LabelCounts LabelCounts::operator*(double factor) const {
  return {tokens * factor, codes * factor, accuracy * factor, alignment * factor};
}

LabelCounts count_labels(const Batch& batch) {
  const auto counted = batch.labels.ne(dataset::kIgnoredLabel);
  const auto codes = counted.narrow(1, 1, batch.labels.size(1) - 1);
  const auto seen = codes.logical_and(batch.labels.narrow(1, 1, codes.size(1)).ne(0));
  const auto count = [](const at::Tensor& which) {
    return static_cast<double>(which.sum().item<int64_t>());
  };
  LabelCounts counts{
      .tokens = count(counted.select(1, 0)), .codes = count(codes), .accuracy = count(seen)};
  if (batch.alignment.defined())
    counts.alignment = count(batch.alignment.ne(dataset::kIgnoredLabel));
  return counts;
}

Losses compute_losses(const lm::DualAr& model, const Batch& batch, const LabelCounts& divisors,
                      const lm::ForwardOptions& options, double alignment_weight) {
  const lm::DualArHidden hidden = model.forward_hidden({.tokens = batch.tokens,
                                                        .padding = batch.padding,
                                                        .segments = batch.segments,
                                                        .heard = batch.heard},
                                                       options);
  // Which of the labels count is found out where they lie, on the CPU: a GPU is not waited for.
  const auto tokens = sum_over_tokens(model, hidden, batch.labels.select(1, 0).flatten(),
                                      token_head(model, options), options);
  const auto codes = sum_over_codes(model, hidden, batch.labels, options);

  Losses losses;
  losses.base_loss = ratio(tokens[0], divisors.tokens);
  losses.semantic_loss = ratio(codes[0], divisors.codes);
  losses.loss = losses.base_loss + losses.semantic_loss;
  losses.alignment_loss = at::zeros_like(losses.base_loss);
  if (alignment_weight > 0 && batch.alignment.defined()) {
    const auto spoken = sum_over_tokens(model, hidden, batch.alignment,
                                        text_head(model, batch.labels, options), options);
    losses.alignment_loss = ratio(spoken[0], divisors.alignment);
    losses.loss = losses.loss + alignment_weight * losses.alignment_loss;
  }
  losses.top_5_accuracy = ratio(codes[1].detach(), divisors.accuracy);
  return losses;
}

}  // namespace koi::train
