"""How the programs beside this file speak with koi eval (koi/eval/program.h): lines NAME<tab>WAV<tab>TEXT in, NAME<tab>ANSWER out."""

import sys
import typing


class Request(typing.NamedTuple):
    name: str
    wav: str  # empty: no answer is asked for
    text: str


def read() -> list[Request]:
    sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape", line_buffering=True)
    return [Request(*line.rstrip("\n").split("\t")) for line in sys.stdin]


def answer(request: Request, words: str) -> None:
    print(request.name, " ".join(words.split()), sep="\t")
