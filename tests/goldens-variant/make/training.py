"""LoRA's start values, the optimizer's groups, and whole training runs."""

import math

import torch

from dual_ar import Model, lora_shapes, shapes
from settings import CONFIG


def start_values(r):
    """B of embeddings normal, A of linears uniform as kaiming_uniform(a=sqrt 5), the rest 0."""
    values = {}
    for name, shape in lora_shapes(CONFIG, r).items():
        values[name] = torch.zeros(shape)
        if name.endswith("embeddings.lora_B"):
            values[name] = torch.randn(shape)
        elif name.endswith("lora_A") and not name.endswith("embeddings.lora_A"):
            values[name] = (torch.rand(shape) * 2 - 1) / math.sqrt(shape[1])
    return values


def module_order(adapters):
    """All names as the modules hold them: weight, bias, lora_A, lora_B."""
    names = list(shapes(CONFIG))
    ordered = []
    for name in names:
        ordered.append(name)
        module = name.rsplit(".", 1)[0]
        is_last = name.endswith(".bias") or module + ".bias" not in names
        if is_last and module + ".lora_A" in adapters:
            ordered += [module + ".lora_A", module + ".lora_B"]
    return ordered


def groups_of(names):
    """With and without weight decay."""
    full = ["model." + name for name in names]
    free = [n for n in full if ".bias" in n or "norm.weight" in n or ".embeddings." in n]
    return [[n for n in full if n not in free], free]


class Run:
    """AdamW with a warm-up and clipping over `batches` in turn; every row before its step."""

    def __init__(self, parameters, batches, semantic_id):
        self.parameters, self.batches, self.semantic_id = parameters, batches, semantic_id
        self.adapters, self.scaling = {}, 0.0  # without adapters all parameters are trained
        self.lr, self.weight_decay, self.warmup, self.accumulate = 1e-4, 0.0, 10, 1

    def go(self, count):
        trained = {name: p.clone().requires_grad_()
                   for name, p in (self.adapters or self.parameters).items()}
        everything = {**self.parameters, **trained}
        self.groups = groups_of(module_order(self.adapters))
        decays = (self.weight_decay, 0.0)
        optimizer = torch.optim.AdamW(
            [{"params": [everything[name.removeprefix("model.")] for name in group],
              "weight_decay": decay} for group, decay in zip(self.groups, decays)],
            lr=self.lr, betas=(0.9, 0.95), eps=1e-5)
        model = Model(CONFIG, everything, self.semantic_id, self.scaling)
        leaves = list(trained.values())
        self.rows, self.rates = [], []
        for i in range(count):
            losses = model.losses(self.batches[i % len(self.batches)])
            (losses["loss"] / self.accumulate).backward()
            norms = [torch.linalg.vector_norm(p.grad) for p in leaves if p.grad is not None]
            norm = torch.linalg.vector_norm(torch.stack(norms)).item()
            if (i + 1) % self.accumulate == 0:
                rate = self.lr * min(1, len(self.rates) / self.warmup)
                self.rates.append([rate, rate])
                for group in optimizer.param_groups:
                    group["lr"] = rate
                torch.nn.utils.clip_grad_norm_(leaves, 1.0)
                optimizer.step()
                optimizer.zero_grad()
            self.rows.append({"batch_idx": i, "global_step_after": len(self.rates),
                              **{name: value.item() for name, value in losses.items()},
                              "grad_norm": norm})
        self.result = {name: p.detach() for name, p in trained.items()}
        return self

    def as_json(self):
        return {"rows": self.rows, "lr_used": self.rates}

    def groups_json(self):
        return [{"weight_decay": decay, "names": names}
                for decay, names in zip((self.weight_decay, 0.0), self.groups)]
