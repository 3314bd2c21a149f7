"""Writes ../lm: a language model of another shape, in the layout of tests/goldens/lm.

    pip install torch==2.15.0 numpy tokenizers && python make_lm.py
"""

import collections
import math

import numpy as np
import torch

from corpus import Corpus, save_batch, write_tokenizer
from dual_ar import (Model, generate, lora_shapes, merge, portable_noise, probabilities, shapes,
                     torch_noise)
from settings import (ALPHA, BF16_ALPHA, BF16_R, C, CONFIG, OUT, R, SEED, save_json, save_npy,
                      save_pth)
from training import Run, start_values


def norms_json(tensors):
    return {name: value.double().norm().item() for name, value in tensors.items()}


# ---- the model


def trained_model(corpus):
    """Random weights, trained until it speaks and ends."""
    torch.manual_seed(SEED)
    parameters = collections.OrderedDict(
        (name, torch.ones(shape) if "norm" in name else torch.randn(shape) * 0.1)
        for name, shape in shapes(CONFIG).items())
    weights = [p.requires_grad_() for p in parameters.values()]
    optimizer = torch.optim.AdamW(weights, lr=4e-3)
    for step in range(400):
        optimizer.zero_grad()
        loss = Model(CONFIG, parameters, corpus.semantic).losses(corpus.batch([1, 2, 1, 2]))["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
    print(f"loss after training {loss.item():.3f}")
    return collections.OrderedDict((name, p.detach()) for name, p in parameters.items())


def write_tiny(parameters, corpus):
    save_json("tiny/config.json", CONFIG, indent=4)
    save_pth("tiny/model.pth", parameters)
    lines = [f"{name} {list(p.shape)} float32\n" for name, p in parameters.items()]
    (OUT / "tiny/manifest.txt").write_text("".join(lines))
    texts = ["<|im_start|>user\nhi there<|im_end|>", "한국어 a  b", "it's 3.14!"]
    save_json("tiny/tokenizer_cases.json",
              [{"text": text, "ids": corpus.encode(text)} for text in texts])


# ---- forward pass, losses, gradients


def as_json(losses, stage):
    return {f"{stage}/{name}": value.item() for name, value in losses.items()}


def norm_of(gradient):
    norm = 0.0 if gradient is None else gradient.double().norm().item()
    return norm or None


def total_norm(gradients):
    return math.sqrt(sum((norm_of(g) or 0) ** 2 for g in gradients.values()))


class Gradients:
    """Of one loss; of the adapters alone where there are any."""

    def __init__(self, parameters, batch, semantic_id, loss="loss", adapters=None, scaling=0.0):
        trained = adapters or parameters
        leaves = {name: p.clone().requires_grad_() for name, p in trained.items()}
        self.losses = Model(CONFIG, {**parameters, **leaves}, semantic_id, scaling).losses(batch)
        self.losses[loss].backward()
        self.by_name = {name: p.grad for name, p in leaves.items()}

    def norms(self):
        return {name: norm_of(g) for name, g in self.by_name.items()}


def formula_adapters():
    """float32(0.05 sin(1 + 0.7 k + 0.37 j)): k the name's place in sorted order, j an element's."""
    all_shapes = lora_shapes(CONFIG, R)
    adapters = {}
    for k, name in enumerate(sorted(all_shapes)):
        j = torch.arange(math.prod(all_shapes[name]), dtype=torch.float64)
        adapters[name] = (0.05 * torch.sin(1 + 0.7 * k + 0.37 * j)).float().view(all_shapes[name])
    return adapters


def write_forward(parameters, corpus):
    stride, first_rows, dropout, runs = 4, 17, 0.2, 40
    semantic_id = corpus.semantic
    model = Model(CONFIG, parameters, semantic_id)
    tokens, padding, labels = corpus.batch([2, 1])
    noise = torch.from_numpy(corpus.random.integers(1, C, tokens[:, 1:].shape))
    tokens[:, 1:] = torch.where(tokens[:, 1:] > 0, noise, 0)
    batch, seen = (tokens, padding, labels), corpus.batch([1, 2, 1])
    save_batch("forward/batch", batch)
    save_batch("forward/batch_seen", seen)

    token_logits, codebook_logits = model.forward(tokens, padding)
    for name, value in model.trace.items():
        save_npy(f"forward/{name}.npy", value)
    save_npy("forward/token_logits.npy", token_logits)
    save_npy(f"forward/codebook_logits_stride{stride}.npy", codebook_logits[..., ::stride])
    save_npy("forward/codebook_logsumexp.npy", codebook_logits.double().logsumexp(-1))
    positions = codebook_logits.abs().amax((2, 3)).nonzero()[:3].tolist()
    save_npy("forward/codebook_logits_rows.npy",
             torch.stack([codebook_logits[b, t] for b, t in positions]))
    half = Model(CONFIG, {name: p.bfloat16() for name, p in parameters.items()}, semantic_id)
    half_tokens, half_codes = half.forward(tokens[:1], padding[:1])
    save_npy("forward/bf16_token_logits_row0.npy", half_tokens[0].float())
    save_npy(f"forward/bf16_codebook_logits_row0_stride{stride}.npy",
             half_codes[0].float()[..., ::stride])

    full = Gradients(parameters, batch, semantic_id)
    code_gradient = full.by_name["codebook_embeddings.weight"]
    rows = code_gradient.abs().sum(1).nonzero()[:, 0]
    save_npy(f"forward/grad_codebook_embeddings_first{first_rows}rows.npy",
             code_gradient[rows[:first_rows]])
    save_pth("forward/grad_full_small.pth",
             {name: g for name, g in full.by_name.items() if g.numel() <= 2100})
    targets = labels[:, 1:].transpose(1, 2)
    model.dropout = dropout
    with torch.no_grad():
        drawn = torch.tensor([[loss.item() for loss in list(model.losses(batch).values())[:3]]
                              for _ in range(runs)], dtype=torch.float64)
    model.dropout = 0.0
    save_json("forward/losses.json", {
        "codebook_logits_rows_positions": positions,
        "inputs_shape": list(tokens.shape),
        "eval": as_json(model.losses(batch), "val"),
        "eval_batch_seen": as_json(model.losses(seen), "val"),
        "eval_bf16": as_json(half.losses(batch), "val"),
        "codebook_labels_counted": int((targets != -100).sum()),
        "codebook_labels_counted_on_all_zero_logits":
            int(((targets != -100) & (codebook_logits.abs().amax(-1) == 0)).sum()),
        "token_labels_counted": int((labels[:, 0] != -100).sum()),
        "train_full": as_json(full.losses, "train"),
        "train_full_grad_norm_total": total_norm(full.by_name),
        "train_full_grad_norm": full.norms(),
        "codebook_embeddings_grad_rows": rows[:first_rows].tolist(),
        "codebook_embeddings_grad_nonzero_rows": len(rows),
        "grad_norm_of_base_loss":
            Gradients(parameters, batch, semantic_id, "base_loss").norms(),
        "grad_norm_of_semantic_loss":
            Gradients(parameters, batch, semantic_id, "semantic_loss").norms(),
        f"dropout_{dropout}_train_{runs}_runs":
            {"mean": drawn.mean(0).tolist(), "std": drawn.std(0).tolist()},
    })
    write_lora(parameters, batch, semantic_id)


def write_lora(parameters, batch, semantic_id):
    scaling, adapters = ALPHA / R, formula_adapters()
    lora = Gradients(parameters, batch, semantic_id, adapters=adapters, scaling=scaling)
    merged = Model(CONFIG, merge(parameters, adapters, scaling), semantic_id)
    save_json("forward/lora.json", {
        "r": R, "alpha": ALPHA, "scaling": scaling,
        "params": {name: {"k": k, "shape": list(adapters[name].shape),
                          "sum": adapters[name].double().sum().item()}
                   for k, name in enumerate(sorted(adapters))},
        "train_mode": as_json(lora.losses, "train"),
        "eval_mode_merged": as_json(merged.losses(batch), "val"),
        "grad_norm": lora.norms(),
        "grad_norm_total": total_norm(lora.by_name),
    })
    stored = dict(lora.by_name)
    codes = stored.pop("codebook_embeddings.lora_A")
    columns = codes.abs().sum(0).nonzero()[:, 0]
    stored["codebook_embeddings.lora_A/columns"] = columns
    stored["codebook_embeddings.lora_A/values"] = codes[:, columns].contiguous()
    save_pth("forward/lora_grads.pth", stored)


# ---- training


def write_train(parameters, corpus):
    """-> the adapters after the fp32 and the bf16 run."""
    batches = [corpus.batch([1] * (2 + i % 2)) for i in range(3)]
    for i, batch in enumerate(batches):
        save_batch(f"train/batch{i}", batch)
    start, half_start = start_values(R), start_values(BF16_R)
    for name, values in (("adapter_init", start), ("bf16_adapter_init", half_start)):
        save_pth(f"train/{name}_nonzero.pth", {n: v for n, v in values.items() if v.any()})

    fp32 = Run(parameters, batches, corpus.semantic)
    fp32.adapters, fp32.scaling = start, ALPHA / R
    fp32.go(13)
    accumulated = Run(parameters, batches, corpus.semantic)
    accumulated.adapters, accumulated.scaling, accumulated.accumulate = start, ALPHA / R, 3
    accumulated.go(12)
    bf16 = Run({n: p.bfloat16() for n, p in parameters.items()}, batches, corpus.semantic)
    bf16.adapters = {n: v.bfloat16() for n, v in half_start.items()}
    bf16.scaling = BF16_ALPHA / BF16_R
    bf16.go(7)
    save_json("train/lora_trajectories.json", {
        "zero_at_init": [name for name, value in start.items() if not value.any()],
        "batches": len(batches),
        "param_groups": fp32.groups_json(),
        "fp32": fp32.as_json(),
        "fp32_accum3": {**accumulated.as_json(), "final_norms": norms_json(accumulated.result)},
        "bf16": {"r": BF16_R, "alpha": BF16_ALPHA, **bf16.as_json()},
    })
    for name, run in (("fp32", fp32), ("bf16", bf16)):
        state = {"model." + n: v for n, v in run.result.items()}
        save_pth(f"train/{name}_step_{len(run.rates):09d}.ckpt",
                 {"global_step": len(run.rates), "state_dict": state})
    write_full_runs(parameters, batches, corpus.semantic)
    return fp32.result, bf16.result


def write_full_runs(parameters, batches, semantic_id):
    runs = {}
    for name, lr, decay, warmup in (("config_defaults", 1e-4, 0.0, 10),
                                    ("weight_decay_0.3_lr_2e-3_warmup_3", 2e-3, 0.3, 3)):
        run = Run(parameters, batches, semantic_id)
        run.lr, run.weight_decay, run.warmup = lr, decay, warmup
        run.go(5)
        runs[name] = {**run.as_json(), "weight_decay": decay, "param_groups": run.groups_json(),
                      "final_norm": norms_json(run.result)}
        save_pth(f"train/full_{name}_small_after5.pth",
                 {n: v for n, v in run.result.items() if v.numel() <= 700})
    save_json("train/full_trajectories.json", runs)


# ---- merging


def write_merge(parameters, adapters, half_adapters):
    save_json("merge/config.json", CONFIG, indent=4)
    half = collections.OrderedDict((n, p.bfloat16()) for n, p in parameters.items())
    facts = {}
    for name, base, change, r, alpha in (("fp32", parameters, adapters, R, ALPHA),
                                         ("bf16", half, half_adapters, BF16_R, BF16_ALPHA)):
        merged = collections.OrderedDict(merge(base, change, alpha / r))
        facts[name] = {
            "r": r, "alpha": alpha,
            "max_abs_diff": {n: (merged[n] - p).float().abs().max().item()
                             for n, p in base.items()},
            "changed_elements": {n: int(merged[n].ne(p).sum()) for n, p in base.items()},
            "norm": norms_json(merged),
        }
        if name == "bf16":
            save_pth("merge/bf16/model.pth", merged)
            continue
        codes, old = merged["codebook_embeddings.weight"], base["codebook_embeddings.weight"]
        rows = codes.ne(old).any(1).nonzero()[:, 0]
        subset = {n: v for n, v in merged.items()
                  if n.startswith(("layers.0.", "embeddings.", "fast_embeddings."))}
        subset["codebook_embeddings.weight/changed_rows"] = rows
        subset["codebook_embeddings.weight/values"] = codes[rows]
        save_pth("merge/fp32_merged_subset.pth", subset)
    save_json("merge/merge.json", facts)


# ---- generation


def write_generate(parameters, corpus):
    model = Model(CONFIG, parameters, corpus.semantic)
    limit, stride = 34, 4
    codes, other = corpus.codes("the river"), corpus.codes("nothing")
    extra = np.concatenate([other, other[:2]])[None]  # two codebooks more than the model's
    save_npy("generate/reference_codes.npy", codes)
    save_npy("generate/reference_codes_extra.npy", extra)
    texts = {"short": "a small boat.", "two": ["the river came back.", "a small boat."],
             "more_codebooks": "nothing was missing."}
    prompts = {
        "short": corpus.prompt(texts["short"]),
        "two": torch.cat([corpus.prompt(texts["two"][0], codes),
                          corpus.prompt(texts["two"][1]).long()], 1),
        "more_codebooks": corpus.prompt(texts["more_codebooks"], extra),
    }
    for name, prompt in prompts.items():
        save_npy(f"generate/prompt_{name}.npy", prompt)

    def run(which, prompt, sampling, count=limit, noise=portable_noise(0)):
        return generate(which, prompts[prompt], count, noise, corpus.im_end, sampling)

    def save_logits(name, done, frames):
        save_npy(f"generate/{name}_slow_logits_{frames}steps.npy",
                 torch.stack(done.slow_logits[:frames]))

    facts = {"texts": texts, "cases": [],
             "prompt_dtypes": {name: str(prompt.dtype) for name, prompt in prompts.items()},
             "portable_noise_first8": portable_noise(9)(8).tolist()}
    for name, prompt, temperature, top_p, penalty, portable, seed in (
            ("best", "short", 0.7, 0.01, 1.0, None, None),
            ("best_punished", "short", 0.9, 0.01, 1.7, None, None),
            ("race", "short", 0.7, 0.7, 1.2, 9, None),
            ("race_two", "two", 1.0, 0.95, 1.5, 1234, None),
            ("of_torch", "short", 0.7, 0.8, 1.2, None, 11)):
        sampling = {"temperature": temperature, "top_p": top_p, "repetition_penalty": penalty}
        noise = torch_noise(seed) if seed is not None else portable_noise(portable or 0)
        done = run(model, prompt, sampling, noise=noise)
        save_npy(f"generate/{name}.npy", done.tokens)
        length = prompts[prompt].shape[1]
        facts["cases"].append({
            "name": name, "prompt": prompt, **sampling, "torch_seed": seed,
            "mt19937_seed": portable, "max_new_tokens": limit, "prompt_len": length,
            "total_len": done.tokens.shape[1]})
        print(f"{name}: {done.tokens.shape[1] - length} frames, mean of the best probabilities "
              f"{np.mean(done.top_probabilities):.2f}")
        if name == "race":
            save_logits(name, done, 2)
            save_npy(f"generate/{name}_fast_logits_2steps.npy", torch.stack(done.fast_logits[:2]))
        if name == "best_punished":
            facts["windows_best_punished"] = [
                {"decode_iteration": i, "codebook": k, "window": window}
                for (i, k), window in done.windows.items() if i in (0, 1, 15, 16, 17) and k > 1]
    best = {"temperature": 0.7, "top_p": 0.01, "repetition_penalty": 1.0}
    facts["length_limits_best"] = [
        {"max_new_tokens": count, "total_len": done.tokens.shape[1],
         "last_main": int(done.tokens[0, -1])}
        for count in (0, 2, 5, CONFIG["max_seq_len"] + 10)
        for done in [run(model, "short", best, count)]]
    save_json("generate/generate.json", facts)

    half = Model(CONFIG, {n: p.bfloat16() for n, p in parameters.items()}, corpus.semantic)
    done = run(half, "short", best)
    save_npy("generate/bf16_best.npy", done.tokens)
    save_logits("bf16_best", done, 3)
    save_npy(f"generate/bf16_best_fast_logits_first_step_stride{stride}.npy",
             done.fast_logits[0][:, ::stride])
    write_sampling(corpus)


def write_sampling(corpus):
    sampling = {"temperature": 0.8, "top_p": 0.8, "repetition_penalty": 1.3}
    cases = []
    for seed, count in ((50, 5), (51, 19), (52, 64)):
        logits = torch.randn(count) * 2
        previous = corpus.random.integers(0, count, 16).tolist() if count > 5 else None
        p = probabilities(logits, previous, sampling)
        cases.append({"logits": logits.tolist(), "previous_tokens": previous, **sampling,
                      "probs": p.tolist(), "mt19937_seed": seed,
                      "picked": int((p / portable_noise(seed)(count)).argmax())})
    save_json("generate/sampling_cases.json", cases)


def main():
    torch.set_num_threads(1)
    corpus = Corpus(write_tokenizer())
    parameters = trained_model(corpus)
    write_tiny(parameters, corpus)
    write_forward(parameters, corpus)
    adapters, half_adapters = write_train(parameters, corpus)
    write_merge(parameters, adapters, half_adapters)
    with torch.no_grad():
        write_generate(parameters, corpus)


if __name__ == "__main__":
    main()
