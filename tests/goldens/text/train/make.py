"""Makes trained.json: run in an environment with `tokenizers` 0.23 from PyPI."""

import json
import pathlib

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).resolve().parent
SPECIALS = ["begin_of_sequence", "end_of_sequence", "pad", "im_start", "im_end", "semantic", "mel", "phoneme_start", "phoneme_end"]
SIZES = [(265, 2), (300, 2), (512, 2), (900, 1), (20000, 2)]  # vocabulary, lowest count; the last is more than there is

texts = [case["text"] for case in json.loads((HERE / "../tokenizer/texts.json").read_text())["cases"]]
trained = []
for vocab_size, min_count in SIZES:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_count,
        special_tokens=[AddedToken(f"<|{name}|>", special=True) for name in SPECIALS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    tokenizer.encode_special_tokens = True  # the names of special tokens in a text are text
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    trained.append({"vocab_size": vocab_size, "min_count": min_count, "learnt": tokenizer.get_vocab_size(), "merges": merges, "ids": ids})
lines = ",\n".join(json.dumps(case) for case in trained)
(HERE / "trained.json").write_text('{"cases": [\n' + lines + "\n]}\n")
