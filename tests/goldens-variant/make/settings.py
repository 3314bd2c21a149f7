"""The shape of the variant and how its files are written."""

import json
import pathlib

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "lm"
TINY = HERE.parent.parent / "goldens" / "lm" / "tiny"  # whose tokenizer is taken, ids permuted
SEED = 1
# Tied embeddings, biases, a fast part of another width, other numbers of everything.
CONFIG = {
    "attention_qkv_bias": True, "codebook_size": 64, "dim": 24, "dropout": 0.0,
    "fast_attention_qkv_bias": True, "fast_dim": 16, "fast_head_dim": 8,
    "fast_intermediate_size": 28, "fast_n_head": 2, "fast_n_local_heads": 1, "head_dim": 4,
    "initializer_range": 0.02, "intermediate_size": 40, "is_reward_model": False,
    "max_seq_len": 300, "model_type": "dual_ar", "n_fast_layer": 1, "n_head": 6, "n_layer": 2,
    "n_local_heads": 3, "norm_eps": 1e-5, "num_codebooks": 4, "rope_base": 10000.0,
    "share_codebook_embeddings": True, "tie_word_embeddings": True,
    "use_gradient_checkpointing": False, "vocab_size": 420,
}
K, C = CONFIG["num_codebooks"], CONFIG["codebook_size"]
R, ALPHA = 4, 6
BF16_R, BF16_ALPHA = 2, 5


def save_npy(name, values):
    values = values.detach().numpy() if torch.is_tensor(values) else values
    (OUT / name).parent.mkdir(parents=True, exist_ok=True)
    np.save(OUT / name, np.ascontiguousarray(values))


def save_json(name, value, **style):
    (OUT / name).parent.mkdir(parents=True, exist_ok=True)
    (OUT / name).write_text(json.dumps(value, **(style or {"indent": 1})))


def save_pth(name, value):
    (OUT / name).parent.mkdir(parents=True, exist_ok=True)
    torch.save(value, OUT / name)
