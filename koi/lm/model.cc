#include "koi/lm/model.h"

#include "koi/base/error.h"
#include "koi/lm/recompute.h"
#include "koi/lm/rope.h"

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

DualArOutput DualAr::forward(const at::Tensor& tokens, const at::Tensor& padding,
                             const ForwardOptions& options) const {
  check_tokens(tokens, 0);
  const auto ids = tokens.to(device());
  auto x = embed(ids);
  if (options.trace) options.trace("embed", x);

  const int64_t count = ids.size(2);
  Mask mask = causal_mask(count, 0, x.options());
  if (padding.defined() && padding.any().item<bool>()) {
    const auto hidden = padding.to(device()).unsqueeze(1).unsqueeze(1);  // [B, 1, 1, T]
    if (!mask.bias.defined()) mask.bias = at::zeros({1, 1}, x.options());
    mask = {.bias = mask.bias.masked_fill(hidden, -std::numeric_limits<double>::infinity())};
  }
  const BlockPass pass{.sizes = &slow_,
                       .turns = rope_.narrow(0, 0, count),
                       .mask = mask,
                       .dropout = {options.train, options.generator}};
  run_blocks(layers, "layers", x, pass, options);
  return {.token_logits = token_logits(x, pass.dropout),
          .codebook_logits = codebook_logits(x, ids, options)};
}

at::Tensor DualAr::codebook_logits(const at::Tensor& hidden, const at::Tensor& tokens,
                                   const ForwardOptions& options) const {
  const int64_t batch = tokens.size(0), count = tokens.size(2), codebooks = config_.num_codebooks;
  // The next frame's codes, zeros behind the last one. The last code is never an input.
  const auto next = at::constant_pad_nd(tokens.slice(1, 1).slice(2, 1), {0, 1})
                        .transpose(1, 2)
                        .reshape({batch * count, codebooks});  // [B*T, K]
  const auto inputs = next.slice(1, 0, codebooks - 1);         // [B*T, K-1]
  // Differs: with one codebook there are no inputs, and the code to predict itself decides.
  auto rows = (codebooks > 1 ? inputs : next).any(1).nonzero().squeeze(1);  // [N]
  if (rows.numel() == 0)
    rows = at::arange(std::min(kRowsKeptAtLeast, batch * count), rows.options());

  const Dropout dropout{options.train, options.generator};
  const auto first = project_hidden(hidden.flatten(0, 1).index_select(0, rows)).unsqueeze(1);
  auto x = at::cat({first, embed_code(inputs.index_select(0, rows))}, 1);  // [N, K, fast D]
  const BlockPass pass{.sizes = &fast_,
                       .turns = fast_rope_,
                       .mask = causal_mask(codebooks, 0, x.options()),
                       .dropout = dropout};
  run_blocks(fast_layers, "fast_layers", x, pass, options);
  const auto kept = fast_output.forward(rms_norm(x, fast_norm, fast_.norm_eps), dropout);
  return at::zeros({batch * count, codebooks, config_.codebook_size}, kept.options())
      .index_copy(0, rows, kept)
      .view({batch, count, codebooks, config_.codebook_size});
}

DualAr::SlowStep DualAr::forward_slow(const at::Tensor& tokens, KvCache& cache) const {
  const at::NoGradGuard no_gradients;
  check_tokens(tokens, cache.filled);
  const int64_t count = tokens.size(2);
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
  return fast_output.forward(rms_norm(x.squeeze(1), fast_norm, fast_.norm_eps), {});
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

void DualAr::check_tokens(const at::Tensor& tokens, int64_t before) const {
  const auto fail = [](const std::string& what, const std::string& remedy = {}) {
    throw Error(ErrorKind::config, "tokens", what, remedy);
  };
  if (tokens.dim() != 3 || tokens.size(1) != 1 + config_.num_codebooks || tokens.numel() == 0 ||
      tokens.scalar_type() != at::kLong) {
    fail("have the shape " + checkpoint::shape_text(tokens.sizes().vec()) +
         ", expected int64 [B, " + std::to_string(1 + config_.num_codebooks) + ", T]");
  }
  if (before + tokens.size(2) > config_.max_seq_len) {
    fail(std::to_string(before + tokens.size(2)) + " positions are more than the model's " +
             std::to_string(config_.max_seq_len),
         "use a shorter text or max_seq_len");
  }
  if (!tokens.is_cpu()) return;
  const auto check_range = [&](const char* name, const at::Tensor& values, int64_t size) {
    const auto [low, high] = at::aminmax(values);
    if (low.item<int64_t>() < 0 || high.item<int64_t>() >= size) {
      fail(std::string(name) + " lie in " + std::to_string(low.item<int64_t>()) + " to " +
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

at::Tensor DualAr::token_logits(const at::Tensor& hidden, const Dropout& dropout) const {
  const auto x = rms_norm(hidden, norm, slow_.norm_eps);
  return output.weight.defined() ? output.forward(x, dropout) : embeddings.project(x);
}

}  // namespace koi::lm
