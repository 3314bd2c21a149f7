"""The dual-AR language model in plain torch: forward pass, losses, LoRA, merging, generation.

Written from the measured behaviour that docs/parity.md and tests/goldens/lm describe, apart from
koi's own code and from the reference's, so that each can be checked against the other.
Letters: B batch, T tokens, K codebooks, V vocabulary, C codebook size, D width.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F


class Part:
    """The sizes of the slow or the fast transformer."""

    def __init__(self, config, prefix=""):
        def size(key):
            value = config.get(prefix + key)
            return config.get(key) if value is None else value

        self.dim, self.n_head = size("dim"), size("n_head")
        self.n_local_heads = size("n_local_heads")
        self.head_dim = self.dim // self.n_head
        self.intermediate = size("intermediate_size")
        self.bias = size("attention_qkv_bias")
        self.qkv = (self.n_head + 2 * self.n_local_heads) * self.head_dim


def shapes(config):
    """Name -> shape of every parameter, in the order of the checkpoint."""
    slow, fast = Part(config), Part(config, "fast_")
    vocab, codes = config["vocab_size"], config["codebook_size"]
    all_shapes = {
        "embeddings.weight": (vocab, slow.dim),
        "codebook_embeddings.weight": (config["num_codebooks"] * codes, slow.dim),
    }

    def add_blocks(name, count, part):
        for i in range(count):
            block = f"{name}.{i}."
            all_shapes[block + "attention.wqkv.weight"] = (part.qkv, part.dim)
            if part.bias:
                all_shapes[block + "attention.wqkv.bias"] = (part.qkv,)
            all_shapes[block + "attention.wo.weight"] = (part.dim, part.dim)
            all_shapes[block + "feed_forward.w1.weight"] = (part.intermediate, part.dim)
            all_shapes[block + "feed_forward.w3.weight"] = (part.intermediate, part.dim)
            all_shapes[block + "feed_forward.w2.weight"] = (part.dim, part.intermediate)
            all_shapes[block + "ffn_norm.weight"] = (part.dim,)
            all_shapes[block + "attention_norm.weight"] = (part.dim,)

    add_blocks("layers", config["n_layer"], slow)
    all_shapes["norm.weight"] = (slow.dim,)
    if not config["tie_word_embeddings"]:
        all_shapes["output.weight"] = (vocab, slow.dim)
    if fast.dim != slow.dim:
        all_shapes["fast_project_in.weight"] = (fast.dim, slow.dim)
        all_shapes["fast_project_in.bias"] = (fast.dim,)
    all_shapes["fast_embeddings.weight"] = (codes, fast.dim)
    add_blocks("fast_layers", config["n_fast_layer"], fast)
    all_shapes["fast_norm.weight"] = (fast.dim,)
    all_shapes["fast_output.weight"] = (codes, fast.dim)
    return all_shapes


def lora_shapes(config, r):
    """Name -> shape of the adapters: on every Linear and Embedding but fast_project_in."""
    all_shapes = {}
    for name, shape in shapes(config).items():
        module = name.rsplit(".", 1)[0]
        if name.endswith(".bias") or module.endswith("norm") or module == "fast_project_in":
            continue
        if module.endswith("embeddings"):
            shape = shape[::-1]
        all_shapes[module + ".lora_A"] = (r, shape[1])
        all_shapes[module + ".lora_B"] = (shape[0], r)
    return all_shapes


def rope_table(part, base, length):
    """cos and sin of every position, rounded to bfloat16."""
    frequencies = 1.0 / base ** (torch.arange(0, part.head_dim, 2).float() / part.head_dim)
    angles = torch.outer(torch.arange(length).float(), frequencies)
    return angles.cos().bfloat16(), angles.sin().bfloat16()


def rotate(x, table):
    """x [B, T, H, head_dim], in interleaved pairs."""
    cos, sin = (values[: x.shape[1]].float()[None, :, None, :] for values in table)
    a, b = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2).to(x.dtype)


class Model:
    """`parameters` by name; where adapters are among them they act with `scaling`."""

    def __init__(self, config, parameters, semantic_id, scaling=0.0):
        self.config, self.parameters, self.scaling = config, parameters, scaling
        self.slow_part, self.fast_part = Part(config), Part(config, "fast_")
        self.semantic_id = semantic_id
        self.dropout = 0.0  # of the attention weights
        self.trace = {}  # what the last forward pass went through

    def linear(self, name, x):
        y = F.linear(x, self.parameters[name + ".weight"], self.parameters.get(name + ".bias"))
        if name + ".lora_A" in self.parameters:
            a, b = self.parameters[name + ".lora_A"], self.parameters[name + ".lora_B"]
            y = y + (x @ a.T @ b.T) * self.scaling
        return y

    def embedding(self, name, ids):
        y = F.embedding(ids, self.parameters[name + ".weight"])
        if name + ".lora_A" in self.parameters:
            a, b = self.parameters[name + ".lora_A"], self.parameters[name + ".lora_B"]
            y = y + (F.embedding(ids, a.T) @ b.T) * self.scaling
        return y

    def token_logits(self, x):
        if not self.config["tie_word_embeddings"]:
            return self.linear("output", x)
        logits = F.linear(x, self.parameters["embeddings.weight"])
        if "embeddings.lora_A" in self.parameters:
            a, b = self.parameters["embeddings.lora_A"], self.parameters["embeddings.lora_B"]
            logits = logits + (x @ b @ a) * self.scaling
        return logits

    def norm(self, name, x):
        y = x.float()
        y = y * torch.rsqrt(y.square().mean(-1, keepdim=True) + self.config["norm_eps"])
        return y.to(x.dtype) * self.parameters[name + ".weight"]

    def attention(self, name, x, part, mask):
        q, k, v = self.linear(name + ".wqkv", x).unflatten(-1, (-1, part.head_dim)).split(
            [part.n_head, part.n_local_heads, part.n_local_heads], 2)
        table = rope_table(part, self.config["rope_base"], x.shape[1])
        q, k = rotate(q, table), rotate(k, table)
        repeats = part.n_head // part.n_local_heads
        q, k, v = (y.transpose(1, 2) for y in (
            q, k.repeat_interleave(repeats, 2), v.repeat_interleave(repeats, 2)))
        scores = q @ k.transpose(-1, -2) / math.sqrt(part.head_dim)
        weights = scores.masked_fill(~mask, -math.inf).softmax(-1)
        weights = F.dropout(weights, self.dropout, training=self.dropout > 0)
        return self.linear(name + ".wo", (weights @ v).transpose(1, 2).flatten(2))

    def block(self, name, x, part, mask):
        h = x + self.attention(name + ".attention", self.norm(name + ".attention_norm", x), part,
                               mask)
        u = self.norm(name + ".ffn_norm", h)
        gate = F.silu(self.linear(name + ".feed_forward.w1", u))
        return h + self.linear(name + ".feed_forward.w2",
                               gate * self.linear(name + ".feed_forward.w3", u))

    def slow(self, tokens, padding=None):
        """tokens [B, 1+K, T] -> token logits [B, T, V] and the un-normed hidden state [B, T, D]."""
        x = self.embedding("embeddings", tokens[:, 0])
        codes = sum(self.embedding("codebook_embeddings",
                                   tokens[:, i + 1] + i * self.config["codebook_size"])
                    for i in range(self.config["num_codebooks"]))
        x = x + codes * (tokens[:, 0] == self.semantic_id)[..., None].to(x.dtype)
        self.trace["embed"] = x
        length = tokens.shape[2]
        mask = torch.ones(length, length, dtype=torch.bool).tril()[None, None]
        if padding is not None:
            mask = mask & ~padding[:, None, None]
        for i in range(self.config["n_layer"]):
            x = self.block(f"layers.{i}", x, self.slow_part, mask)
            self.trace[f"slow_layer{i}"] = x
        return self.token_logits(self.norm("norm", x)), x

    def fast(self, x):
        """x [N, k, fast D], first the projected hidden state, then codes -> logits [N, k, C]."""
        mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
        for i in range(self.config["n_fast_layer"]):
            x = self.block(f"fast_layers.{i}", x, self.fast_part, mask)
            self.trace[f"fast_layer{i}"] = x
        return self.linear("fast_output", self.norm("fast_norm", x))

    def project(self, hidden):
        if "fast_project_in.weight" not in self.parameters:
            return hidden
        return self.linear("fast_project_in", hidden)

    def forward(self, tokens, padding):
        """-> token logits [B, T, V], codebook logits [B, T, K, C]."""
        token_logits, hidden = self.slow(tokens, padding)
        following = F.pad(tokens[:, 1:-1, 1:], (0, 1)).transpose(1, 2)  # [B, T, K-1]
        x = torch.cat([self.project(hidden)[:, :, None],
                       self.embedding("fast_embeddings", following)], 2).flatten(0, 1)
        kept = following.ne(0).any(-1).flatten()
        if not kept.any():
            kept[:8] = True
        logits = self.fast(x[kept])
        everything = torch.zeros(*x.shape[:2], logits.shape[-1], dtype=logits.dtype)
        everything = everything.index_put((kept.nonzero()[:, 0],), logits)
        return token_logits, everything.unflatten(0, tokens.shape[::2])

    def losses(self, batch):
        tokens, padding, labels = batch
        token_logits, codebook_logits = self.forward(tokens, padding)
        targets = labels[:, 1:].transpose(1, 2)
        base = F.cross_entropy(token_logits.flatten(0, 1), labels[:, 0].flatten())
        semantic = F.cross_entropy(codebook_logits.flatten(0, 2), targets.flatten())
        counted = (targets != -100) & (targets != 0)
        hits = (codebook_logits.topk(5, -1).indices == targets[..., None]).any(-1) & counted
        return {"loss": base + semantic, "base_loss": base, "semantic_loss": semantic,
                "top_5_accuracy": hits.sum().float() / counted.sum()}


def merge(parameters, adapters, scaling):
    """W + B A scaling, the product in fp32 and one rounding to W's dtype."""
    merged = {}
    for name, weight in parameters.items():
        module = name.rsplit(".", 1)[0]
        if name.endswith(".weight") and module + ".lora_A" in adapters:
            delta = adapters[module + ".lora_B"].float() @ adapters[module + ".lora_A"].float()
            if module.endswith("embeddings"):
                delta = delta.T
            weight = (weight.float() + delta * scaling).to(weight.dtype)
        merged[name] = weight
    return merged


def portable_noise(seed):
    """Exponential noise of std::mt19937: -log(((x >> 8) + 0.5) / 2^24) of each 32-bit number x."""
    generator = np.random.RandomState(seed)._bit_generator

    def draw(count):
        uniform = ((generator.random_raw(count).astype(np.int64) >> 8) + 0.5) / 2**24
        return torch.from_numpy(-np.log(uniform).astype(np.float32))

    return draw


def torch_noise(seed):
    generator = torch.Generator().manual_seed(seed)
    return lambda count: torch.empty(count).exponential_(1, generator=generator)


def probabilities(logits, previous, sampling):
    """Repetition penalty, then top-p, then temperature."""
    logits = logits.float().clone()
    if previous is not None:
        ids = torch.as_tensor(previous).long()
        penalty = sampling["repetition_penalty"]
        logits[ids] = torch.where(logits[ids] < 0, logits[ids] * penalty, logits[ids] / penalty)
    ordered, order = logits.sort(descending=True)
    removed = ordered.softmax(-1).cumsum(-1) > sampling["top_p"]
    removed[0] = False
    logits[order[removed]] = -math.inf
    return (logits / max(sampling["temperature"], 1e-5)).softmax(-1)


class Generation:
    """What `generate` did: tokens [1+K, T + new], logits of every frame, penalty windows."""

    def __init__(self, tokens):
        self.tokens = tokens
        self.slow_logits, self.fast_logits = [], []  # [V] and [K, C] a frame
        self.windows = {}  # (decode iteration, codebook) -> the 16 codes that are penalised
        self.top_probabilities = []


def generate(model, prompt, limit, noise, im_end, sampling):
    """At most `limit` frames behind prompt [1+K, T]; the whole context where it is 0 or more."""
    codebooks = model.config["num_codebooks"]
    room = model.config["max_seq_len"] - prompt.shape[1]
    limit = limit if 0 < limit < room else room
    done = Generation(prompt.long())
    decoded = []  # frames behind the first

    def pick(logits, previous):
        p = probabilities(logits, previous, sampling)
        done.top_probabilities.append(p.max().item())
        return int((p / noise(p.numel())).argmax())

    for frame in range(limit):
        logits, hidden = model.slow(done.tokens[None])
        done.slow_logits.append(logits[0, -1].float())
        main = pick(logits[0, -1], None)
        x, codes, fast_logits = model.project(hidden[:, -1:]), [], []
        for k in range(codebooks):
            logits = model.fast(x)[0, -1]
            fast_logits.append(logits.float())
            window = None
            if frame > 0:
                window = [old[k + 1] for old in decoded[-16:]]
                window += [0] * (16 - len(window))
                done.windows[frame - 1, k] = window
            codes.append(pick(logits, window))
            x = torch.cat([x, model.embedding("fast_embeddings", torch.tensor([codes[-1:]]))], 1)
        done.fast_logits.append(torch.stack(fast_logits))
        new = [main] + (codes if main == model.semantic_id else [0] * codebooks)
        if frame > 0:
            decoded.append(new)
        done.tokens = torch.cat([done.tokens, torch.tensor(new)[:, None]], 1)
        if main == im_end and frame > 0:
            break
    done.tokens = done.tokens.to(prompt.dtype)
    return done
