"""Sentences read by flite's voices, as VOICE/NAME.wav + VOICE/NAME.lab: what koi-tiny's language model learns to speak from.

    synthetic_data.py OUT [--sentences 12000]

The texts: examples of usage from WordNet 3.0, (c) 2006 Princeton University (its licence permits any use), and transcripts of
the Asterisk core sounds, English (see demo_data.py). The voices: slt and rms, from flite (free for any use).
Packages: wordnet-base, flite, and what demo_data.py needs. Files that are there already are not made again; which sentence is
read by whom depends on the sentence alone. The sentences of scripts/demo_held_out.tsv are never read.
"""

import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import re
import subprocess
import sys

import demo_data

WORDNET = pathlib.Path("/usr/share/wordnet")
SPOKEN_AS_WRITTEN = re.compile(r"[A-Za-z',.?! -]+")
WORDS = range(2, 15)


def key_of(text: str) -> str:
    """What is the same to a listener."""
    return " ".join(re.findall(r"[a-z]+", text.lower().replace("'", "")))


def examples() -> list[str]:
    """All that WordNet has, each once, in an order that is as good as random."""
    found = {}
    for part in ("noun", "verb", "adj", "adv"):
        for line in (WORDNET / f"data.{part}").read_text(encoding="latin-1").splitlines():
            for text in re.findall(r'"([^"]+)"', line):
                text = text.strip()
                if SPOKEN_AS_WRITTEN.fullmatch(text) and len(text.split()) in WORDS:
                    found.setdefault(key_of(text), text)
    return sorted(found.values(), key=hash_of)


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def held_out() -> set[str]:
    return {key_of(line.split("\t")[1]) for line in demo_data.HELD_OUT.read_text().splitlines()}


def make_clip(folder: pathlib.Path, voice: str, text: str) -> None:
    wav = folder / f"{hash_of(text)[:16]}.wav"
    if wav.exists():
        return
    demo_data.write_whole(wav.with_suffix(".lab"), text.encode() + b"\n")
    temporary = wav.with_suffix(".tmp.wav")
    subprocess.run(["flite", "-voice", voice, "-t", text, temporary], check=True)
    os.replace(temporary, wav)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--sentences", type=int, default=12000, help="of WordNet (default 12000)")
    options = parser.parse_args()
    if not (WORDNET / "data.noun").exists():
        sys.exit(f"synthetic_data: {WORDNET} is missing: install wordnet-base")
    never = held_out()
    prompts = sorted({text for _, _, text in demo_data.usable_recordings("en")})
    clips = [(voice, text) for text in prompts for voice in ("slt", "rms")]
    # Every fourth by the other voice.
    clips += [("rms" if int(hash_of(text)[-1], 16) % 4 == 0 else "slt", text) for text in examples()[: options.sentences]]
    clips = [(voice, text) for voice, text in clips if key_of(text) not in never]
    for voice in ("slt", "rms"):
        (options.out / voice).mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, _ in enumerate(pool.map(lambda clip: make_clip(options.out / clip[0], *clip), clips), 1):
            if done % 100 == 0 or done == len(clips):
                print(f"\r{done}/{len(clips)} sentences", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
