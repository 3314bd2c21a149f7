#include "koi/lm/model.h"

#include "koi/base/error.h"
#include "koi/lm/functions.h"
#include "koi/lm/recompute.h"
#include "koi/lm/rope.h"
#include "koi/tensor/transfer.h"

namespace koi::lm {
namespace {

// Where no row has codes to predict, the reference computes this many all the same.
constexpr int64_t kRowsKeptAtLeast = 8;

at::Tensor shape_only(at::IntArrayRef shape) { return at::empty(shape, at::device(at::kMeta)); }

Linear make_linear(int64_t out, int64_t in, bool bias = false) {
  Linear linear;
  linear.weight = shape_only({out, in});
  if (bias) linear.bias = shape_only({out});
  return linear;
}

Embedding make_embedding(int64_t count, int64_t dim) {
  Embedding embedding;
  embedding.weight = shape_only({count, dim});
  return embedding;
}

Block make_block(const BlockSizes& sizes) {
  return {.attention = {.wqkv = make_linear(sizes.qkv_dim(), sizes.dim, sizes.qkv_bias),
                        .wo = make_linear(sizes.dim, sizes.dim)},
          .feed_forward = {.w1 = make_linear(sizes.intermediate_size, sizes.dim),
                           .w2 = make_linear(sizes.dim, sizes.intermediate_size),
                           .w3 = make_linear(sizes.intermediate_size, sizes.dim)},
          .attention_norm = shape_only({sizes.dim}),
          .ffn_norm = shape_only({sizes.dim})};
}

void run_blocks(const std::vector<Block>& blocks, const std::string& name, at::Tensor& x,
                const BlockPass& pass, const ForwardOptions& options) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto compute = [&block = blocks[i], i, pass](const at::Tensor& in) {
      return forward_block(block, i, in, pass);
    };
    x = options.recompute ? recompute(compute, x, options.generator) : compute(x);
    if (options.trace) options.trace(name + "." + std::to_string(i), x);
  }
}

// The causal triangle over the columns of x [B, T, D], without those that are padded.
Mask padded_causal_mask(const at::Tensor& padding, const at::Tensor& x) {
  Mask mask = causal_mask(x.size(1), 0, x.options());
  if (!padding.defined() || !padding.any().item<bool>()) return mask;
  const auto hidden =
      tensor::upload(padding, x.device()).unsqueeze(1).unsqueeze(1);  // [B, 1, 1, T]
  if (!mask.bias.defined()) mask.bias = at::zeros({1, 1}, x.options());
  return {.bias = mask.bias.masked_fill(hidden, -std::numeric_limits<double>::infinity())};
}

// 0 .. length - 1 of each segment, one behind the other.
at::Tensor positions_of(const std::vector<int64_t>& segments) {
  std::vector<at::Tensor> parts;
  for (const int64_t length : segments) parts.push_back(at::arange(length));
  return at::cat(parts);
}

// Evenly spaced ones of `rows`, at least one, see ForwardOptions::fast_frames.
at::Tensor spaced_rows(const at::Tensor& rows, const ForwardOptions& options) {
  if (options.fast_frames >= 1) return rows;
  std::vector<int64_t> chosen;
  for (int64_t i = 0;; ++i) {
    const double place = (static_cast<double>(i) + options.fast_offset) / options.fast_frames;
    if (place >= static_cast<double>(rows.numel())) break;
    chosen.push_back(static_cast<int64_t>(place));
  }
  if (chosen.empty()) chosen.push_back(0);
  return rows.index_select(0, at::tensor(chosen, rows.options()));
}

[[noreturn]] void fail_tokens(const std::string& what, const std::string& remedy = {}) {
  throw Error(ErrorKind::config, "tokens", what, remedy);
}

KvCache make_cache(const BlockSizes& sizes, size_t layers, at::IntArrayRef batch_and_capacity,
                   const at::TensorOptions& options) {
  KvCache cache;
  for (size_t i = 0; i < layers; ++i) {
    for (auto* list : {&cache.k, &cache.v}) {
      list->push_back(at::empty(
          {batch_and_capacity[0], sizes.n_local_heads, batch_and_capacity[1], sizes.head_dim},
          options));
    }
  }
  return cache;
}

}  // namespace

DualAr::DualAr(const ModelConfig& config, int64_t semantic_token_id, at::Device device)
    : config_(config),
      slow_(slow_sizes(config)),
      fast_(fast_sizes(config)),
      semantic_token_id_(semantic_token_id),
      rope_(rope_table(config.max_seq_len, slow_.head_dim, config.rope_base).to(device)),
      fast_rope_(rope_table(config.num_codebooks, fast_.head_dim, config.rope_base).to(device)) {
  embeddings = make_embedding(config.vocab_size, slow_.dim);
  codebook_embeddings = make_embedding(config.codebook_size * config.num_codebooks, slow_.dim);
  for (int64_t i = 0; i < config.n_layer; ++i) layers.push_back(make_block(slow_));
  norm = shape_only({slow_.dim});
  if (!config.tie_word_embeddings) output = make_linear(config.vocab_size, slow_.dim);

  if (fast_.dim != slow_.dim) fast_project_in = make_linear(fast_.dim, slow_.dim, /*bias=*/true);
  fast_embeddings = make_embedding(config.codebook_size, fast_.dim);
  for (int64_t i = 0; i < config.n_fast_layer; ++i) fast_layers.push_back(make_block(fast_));
  fast_norm = shape_only({fast_.dim});
  fast_output = make_linear(config.codebook_size, fast_.dim);
}

DualArHidden DualAr::forward_hidden(const DualArInput& input, const ForwardOptions& options) const {
  check_tokens(input.tokens);
  check_segments(input);
  const auto ids = tensor::upload(input.heard.defined() ? input.heard : input.tokens, device());
  auto x = embed(ids);  // [B, T, D]
  if (options.trace) options.trace("embed", x);

  const Dropout dropout{options.train, options.generator};
  const bool packed = !input.segments.empty();
  const auto turns =
      packed ? rope_.index_select(0, tensor::upload(positions_of(input.segments), device()))
             : rope_.narrow(0, 0, ids.size(2));
  const Mask mask = packed ? Mask{} : padded_causal_mask(input.padding, x);
  const BlockPass pass{.sizes = &slow_,
                       .turns = turns,
                       .mask = mask,
                       .dropout = dropout,
                       .segments = input.segments};
  run_blocks(layers, "layers", x, pass, options);

  DualArHidden hidden;
  hidden.slow = x.flatten(0, 1);
  // Where the tokens lie, which is the CPU in training: a GPU is not waited for.
  const auto next = next_codes(input.tokens, input.segments);
  const auto inputs = next.slice(1, 0, config_.num_codebooks - 1);  // [B*T, K-1]
  // Differs: with one codebook there are no inputs, and the code to predict itself decides.
  hidden.rows = (config_.num_codebooks > 1 ? inputs : next).any(1).nonzero().squeeze(1);
  if (hidden.rows.numel() == 0)
    hidden.rows = at::arange(std::min(kRowsKeptAtLeast, next.size(0)), next.options());

  hidden.fast_rows = spaced_rows(hidden.rows, options);
  const auto rows = tensor::upload(hidden.fast_rows, device());
  const auto codes = tensor::upload(inputs.index_select(0, hidden.fast_rows), device());
  const auto first = project_hidden(hidden.slow.index_select(0, rows)).unsqueeze(1);
  hidden.fast = at::cat({first, embed_code(codes)}, 1);
  const BlockPass fast_pass{.sizes = &fast_,
                            .turns = fast_rope_,
                            .mask = causal_mask(config_.num_codebooks, 0, x.options()),
                            .dropout = dropout};
  run_blocks(fast_layers, "fast_layers", hidden.fast, fast_pass, options);
  return hidden;
}

DualArOutput DualAr::forward(const at::Tensor& tokens, const at::Tensor& padding,
                             const ForwardOptions& options) const {
  const DualArHidden hidden = forward_hidden({.tokens = tokens, .padding = padding}, options);
  const Dropout dropout{options.train, options.generator};
  const int64_t batch = tokens.size(0), count = tokens.size(2);
  const auto codes = code_logits(hidden.fast, dropout);  // [N, K, C]
  return {
      .token_logits = token_logits(hidden.slow, dropout).view({batch, count, -1}),
      .codebook_logits = at::zeros({batch * count, codes.size(1), codes.size(2)}, codes.options())
                             .index_copy(0, tensor::upload(hidden.rows, device()), codes)
                             .view({batch, count, codes.size(1), codes.size(2)})};
}

at::Tensor DualAr::next_codes(const at::Tensor& tokens,
                              const std::vector<int64_t>& segments) const {
  auto next = at::constant_pad_nd(tokens.slice(1, 1).slice(2, 1), {0, 1})
                  .transpose(1, 2)
                  .reshape({-1, config_.num_codebooks});  // [B*T, K]
  if (segments.empty()) return next;
  const auto ends = at::tensor(segments, at::kLong).cumsum(0) - 1;
  return next.index_fill(0, ends.to(next.device()), 0);
}

DualAr::SlowStep DualAr::forward_slow(const at::Tensor& tokens, KvCache& cache) const {
  const at::NoGradGuard no_gradients;
  check_tokens(tokens);
  const int64_t count = tokens.size(2);
  check_length(cache.filled + count);
  if (cache.filled + count > cache.k.front().size(2)) {
    throw Error(ErrorKind::config, "KV cache",
                "holds " + std::to_string(cache.k.front().size(2)) + " positions, " +
                    std::to_string(cache.filled + count) + " are needed");
  }
  auto x = embed(tokens.to(device()));
  const BlockPass pass{.sizes = &slow_,
                       .turns = rope_.narrow(0, cache.filled, count),
                       .mask = causal_mask(count, cache.filled, x.options()),
                       .cache = &cache};
  run_blocks(layers, "layers", x, pass, {});
  cache.filled += count;
  const auto hidden = x.select(1, count - 1);  // [B, D]
  return {.logits = token_logits(hidden, {}), .hidden = hidden};
}

DualAr::SlowStep DualAr::step_slow(const at::Tensor& tokens, const ColumnPlaces& places,
                                   KvCache& cache) const {
  const at::NoGradGuard no_gradients;
  auto x = embed(tokens.unsqueeze(2));  // [B, 1, D]
  const auto later = at::arange(places.span, places.positions.options())
                         .gt(places.positions.unsqueeze(1))
                         .view({-1, 1, 1, places.span});
  const auto bias = at::zeros(later.sizes(), x.options())
                        .masked_fill_(later, -std::numeric_limits<double>::infinity());
  const BlockPass pass{.sizes = &slow_,
                       .turns = rope_.index_select(0, places.positions).unsqueeze(1),
                       .mask = {.bias = bias},
                       .cache = &cache,
                       .slots = places.positions};
  run_blocks(layers, "layers", x, pass, {});
  const auto hidden = x.select(1, 0);  // [B, D]
  return {.logits = token_logits(hidden, {}), .hidden = hidden};
}

at::Tensor DualAr::forward_fast(const at::Tensor& in, KvCache& cache) const {
  const at::NoGradGuard no_gradients;
  if (cache.filled >= config_.num_codebooks) {
    throw Error(ErrorKind::internal, "fast KV cache",
                "all " + std::to_string(config_.num_codebooks) + " codebooks were computed");
  }
  auto x = in.unsqueeze(1);  // [B, 1, fast D]
  const BlockPass pass{
      .sizes = &fast_, .turns = fast_rope_.narrow(0, cache.filled, 1), .cache = &cache};
  run_blocks(fast_layers, "fast_layers", x, pass, {});
  cache.filled += 1;
  return code_logits(x.squeeze(1), {});
}

at::Tensor DualAr::project_hidden(const at::Tensor& hidden) const {
  return fast_project_in.weight.defined() ? fast_project_in.forward(hidden, {}) : hidden;
}

at::Tensor DualAr::embed_code(const at::Tensor& codes) const {
  return fast_embeddings.forward(codes);
}

KvCache DualAr::make_slow_cache(int64_t batch, int64_t capacity) const {
  return make_cache(slow_, layers.size(), {batch, capacity}, norm.options());
}

KvCache DualAr::make_fast_cache(int64_t batch) const {
  return make_cache(fast_, fast_layers.size(), {batch, config_.num_codebooks}, norm.options());
}

void DualAr::check_length(int64_t positions) const {
  if (positions <= config_.max_seq_len) return;
  fail_tokens(std::to_string(positions) + " positions are more than the model's " +
                  std::to_string(config_.max_seq_len),
              "use a shorter text or max_seq_len");
}

void DualAr::check_segments(const DualArInput& input) const {
  const int64_t count = input.tokens.size(2);
  if (input.segments.empty()) return check_length(count);
  int64_t sum = 0;
  for (const int64_t length : input.segments) {
    if (length < 1) fail_tokens("a sample of " + std::to_string(length) + " positions");
    check_length(length);
    sum += length;
  }
  if (sum != count || input.tokens.size(0) != 1)
    fail_tokens("samples of together " + std::to_string(sum) + " positions in " +
                std::to_string(input.tokens.size(0)) + " rows of " + std::to_string(count));
}

void DualAr::check_tokens(const at::Tensor& tokens) const {
  if (tokens.dim() != 3 || tokens.size(1) != 1 + config_.num_codebooks || tokens.numel() == 0 ||
      tokens.scalar_type() != at::kLong) {
    fail_tokens("have the shape " + checkpoint::shape_text(tokens.sizes().vec()) +
                ", expected int64 [B, " + std::to_string(1 + config_.num_codebooks) + ", T]");
  }
  if (!tokens.is_cpu()) return;
  const auto check_range = [&](const char* name, const at::Tensor& values, int64_t size) {
    const auto [low, high] = at::aminmax(values);
    if (low.item<int64_t>() < 0 || high.item<int64_t>() >= size) {
      fail_tokens(std::string(name) + " lie in " + std::to_string(low.item<int64_t>()) + " to " +
                  std::to_string(high.item<int64_t>()) + ", the model knows 0 to " +
                  std::to_string(size - 1));
    }
  };
  check_range("token ids", tokens.select(1, 0), config_.vocab_size);
  check_range("codes", tokens.slice(1, 1), config_.codebook_size);
}

at::Tensor DualAr::embed(const at::Tensor& tokens) const {
  const int64_t batch = tokens.size(0), count = tokens.size(2);
  const auto main = tokens.select(1, 0);  // [B, T]
  const auto starts = at::arange(config_.num_codebooks, tokens.options()) * config_.codebook_size;
  const auto entries = (tokens.slice(1, 1).transpose(1, 2) + starts).flatten(0, 1);  // [B*T, K]
  const auto codes = codebook_embeddings.forward_sum(entries).view({batch, count, -1});
  return embeddings.forward(main) + codes * main.eq(semantic_token_id_).unsqueeze(-1);
}

at::Tensor DualAr::token_logits(const at::Tensor& slow, const Dropout& dropout) const {
  const auto x = rms_norm(slow, norm, slow_.norm_eps);
  return output.weight.defined() ? output.forward(x, dropout) : embeddings.project(x);
}

at::Tensor DualAr::code_logits(const at::Tensor& fast, const Dropout& dropout) const {
  return fast_output.forward(rms_norm(fast, fast_norm, fast_.norm_eps), dropout);
}

}  // namespace koi::lm
