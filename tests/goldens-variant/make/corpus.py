"""The tokenizer, invented sentences, and the batches and prompts made of them."""

import json

import numpy as np
import torch
from tokenizers import Tokenizer

from settings import C, K, OUT, SEED, TINY, save_json, save_npy

WORDS = "a small boat big river came back in the evening nothing was missing before noon".split()


def write_tokenizer():
    """That of the default set with every id somewhere else."""
    def moved(token_id):
        return (token_id * 7 + 3) % 400

    tokenizer = json.loads((TINY / "tokenizer.json").read_text())
    vocab = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = {token: moved(i) for token, i in vocab.items()}
    for token in tokenizer["added_tokens"]:
        token["id"] = moved(token["id"])
    tokenizer["added_tokens"].sort(key=lambda token: token["id"])
    save_json("tiny/tokenizer.json", tokenizer, ensure_ascii=False)
    settings = json.loads((TINY / "tokenizer_config.json").read_text())
    settings["added_tokens_decoder"] = {
        str(moved(int(i))): token for i, token in settings["added_tokens_decoder"].items()}
    save_json("tiny/tokenizer_config.json", settings)
    return Tokenizer.from_file(str(OUT / "tiny/tokenizer.json"))


class Corpus:
    """Invented sentences with codes that follow from them, for tokens, prompts and batches."""

    def __init__(self, tokenizer):
        self.tokenizer, self.random = tokenizer, np.random.default_rng(SEED)
        self.semantic = tokenizer.token_to_id("<|semantic|>")
        self.im_end = tokenizer.token_to_id("<|im_end|>")
        self.pad = tokenizer.token_to_id("<|end_of_sequence|>")

    def encode(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def sentence(self):
        return " ".join(self.random.choice(WORDS, self.random.integers(1, 4))) + "."

    def codes(self, sentence):
        """Stored codes [K, frames]."""
        frames = np.arange(12 + len(sentence) // 3)
        start = sum(map(ord, sentence[:3]))
        base = (frames[None] * 5 + np.arange(K)[:, None] * 11 + start) % (C - 4)
        return base + self.random.integers(0, 3, base.shape)

    def prompt(self, text, codes=None):
        """int32 [1+K, T] of a text, int64 where codes were spoken with it."""
        ids = self.encode(f"<|im_start|>user\n{text}<|im_end|><|im_start|>assistant\n")
        frames = 0 if codes is None else codes.shape[-1]
        rest = [] if codes is None else [self.semantic] * frames + [self.im_end]
        tokens = torch.zeros(1 + K, len(ids) + len(rest), dtype=torch.int64)
        tokens[0] = torch.tensor(ids + rest)
        if codes is None:
            return tokens.int()
        tokens[1:, len(ids):-1] = torch.from_numpy(codes.reshape(-1, frames)[:K]) + 1
        return tokens

    def turn(self, sentence):
        """Tokens and labels of one sentence, shifted."""
        codes = self.codes(sentence)
        tokens = self.prompt(sentence, codes)
        labels = tokens.clone()
        labels[1:, : tokens.shape[1] - codes.shape[1] - 1] = -100
        return tokens[:, :-1], labels[:, 1:]

    def batch(self, turns):
        """Rows of `turns` sentences each: tokens, padding, labels."""
        rows = [[self.turn(self.sentence()) for _ in range(count)] for count in turns]
        rows = [[torch.cat(part, 1) for part in zip(*row)] for row in rows]
        length = max(tokens.shape[1] for tokens, _ in rows)
        tokens = torch.zeros(len(rows), 1 + K, length, dtype=torch.int64)
        tokens[:, 0] = self.pad
        labels = torch.full_like(tokens, -100)
        padding = torch.ones(len(rows), length, dtype=torch.bool)
        for i, (row_tokens, row_labels) in enumerate(rows):
            end = row_tokens.shape[1]
            tokens[i, :, :end], labels[i, :, :end], padding[i, :end] = row_tokens, row_labels, False
        return tokens, padding, labels


def save_batch(prefix, batch):
    for values, name in zip(batch, ("inputs", "attention_masks", "labels")):
        save_npy(f"{prefix}_{name}.npy", values)
