"""Texts read by flite's voices, as VOICE/NAME.wav + .lab + .alignment: what koi-tiny learns to speak from.

    synthetic_data.py OUT [--voices slt] [--words 6000] [--phrases 6000] [--walks 4000] [--sentences 8000] [--long 4000] [--pairs 6000]

The texts: examples of usage from WordNet 3.0, (c) 2006 Princeton University (its licence permits any use), transcripts of the
Asterisk core sounds, English (see demo_data.py), walks from word to word through these, and words and phrases of both. The voices
are free for any use. Packages: wordnet-base, libflite1, and what demo_data.py needs. Files that are there already are not made
again; who reads a text depends on the text alone. The sentences of scripts/demo_held_out.tsv are never read.

NAME.alignment tells koi which character is spoken in each frame of koi-tiny's codec (docs/file_formats.md).
"""

import argparse
import collections
import hashlib
import multiprocessing
import os
import pathlib
import random
import re
import sys
import wave

import demo_data
import flite

WORDNET = pathlib.Path("/usr/share/wordnet")
SPOKEN_AS_WRITTEN = re.compile(r"[A-Za-z',.?! -]+")
WORDS_OF_A_SENTENCE = range(2, 11)
WORDS_OF_A_LONG_SENTENCE = range(11, 20)
FRAME_S = 0.048  # of configs/codec_tiny.yaml
SILENCE_S = (0.06, 0.1)  # that stays before and behind what is spoken
PITCHES = (0.85, 1.2)  # a voice is heard as many: lower and slower, higher and faster, between these factors


def key_of(text: str) -> str:
    """What is the same to a listener."""
    return " ".join(re.findall(r"[a-z]+", text.lower().replace("'", "")))


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def pitch_of(text: str) -> float:
    low, high = PITCHES
    return low * (high / low) ** (int(hash_of(text)[8:16], 16) / 2**32)


def held_out() -> set[str]:
    return {key_of(line.split("\t")[1]) for line in demo_data.HELD_OUT.read_text().splitlines()}


def says_any(sentences: set[str], text: str) -> bool:
    """Whether the text is, or holds, one of the sentences, which are keys."""
    return any(f" {sentence} " in f" {key_of(text)} " for sentence in sentences)


def tidy(text: str) -> str:
    """As koi's cleaning leaves it, so that an alignment fits."""
    text = re.sub(r"^[ .,]+", "", re.sub(r"[.,](?: *[.,])+", ".", text))
    return " ".join(text.split())


def prompts() -> list[str]:
    return sorted({tidy(text) for _, _, text in demo_data.usable_recordings("en")})


def examples(lengths: range) -> list[str]:
    """All of so many words that WordNet has, each once, in an order that is as good as random."""
    found = {}
    for part in ("noun", "verb", "adj", "adv"):
        for line in (WORDNET / f"data.{part}").read_text(encoding="latin-1").splitlines():
            for text in map(tidy, re.findall(r'"([^"]+)"', line)):
                if SPOKEN_AS_WRITTEN.fullmatch(text) and len(text.split()) in lengths:
                    found.setdefault(key_of(text), text)
    return sorted(found.values(), key=hash_of)


def common_words(texts: list[str], count: int) -> list[str]:
    counts = collections.Counter(word for text in texts for word in re.findall(r"[a-z']*[a-z]", text.lower()))
    return [word.capitalize() if int(hash_of(word)[0], 16) < 5 else word for word, _ in counts.most_common(count)]


def phrases(texts: list[str], count: int) -> list[str]:
    """Two to four words that follow each other."""
    dice, found = random.Random(1), set()
    while len(found) < count:
        words = dice.choice(texts).split()
        length = dice.choice((2, 2, 3, 3, 4))
        if len(words) > length:
            begin = dice.randrange(len(words) - length)
            found.add(" ".join(words[begin : begin + length]).strip(" ,.-!?"))
    return sorted(found)


def walks(texts: list[str], count: int, never: set[str]) -> list[str]:
    """Sentences in which each word follows the one before somewhere in the texts."""
    dice, found = random.Random(2), set()
    followers = collections.defaultdict(list)
    for text in texts:
        words = ["", *text.split(), ""]
        for word, follower in zip(words, words[1:]):
            followers[word.lower()].append(follower)
    while len(found) < count:
        words = [dice.choice(followers[""])]
        while words[-1] and len(words) < 14:
            words.append(dice.choice(followers[words[-1].lower()]))
        text = " ".join(words).strip(" ,-")
        if len(words) > 3 and not says_any(never, text):
            found.add(text)
    return sorted(found)


def pairs(texts: list[str], count: int, never: set[str]) -> list[str]:
    """Two sentences, one behind the other, of few enough words together."""
    dice, found = random.Random(3), set()
    while len(found) < count:
        first, second = dice.sample(texts, 2)
        if 4 <= len(first.split()) + len(second.split()) < WORDS_OF_A_LONG_SENTENCE.stop:
            first = first.strip(" ,.-")
            text = f"{first[0].upper()}{first[1:]}{'' if first[-1] in '?!' else '.'} {second[0].upper()}{second[1:]}"
            if not says_any(never, text):
                found.add(text)
    return sorted(found)


def frames_of(text: str, tokens: list[flite.Token]) -> list[int]:
    """The number of the character that is spoken in each frame, 0 in silence; a sound takes its share of the word's letters."""
    frames = [0] * (int(tokens[-1].sounds[-1][1] / FRAME_S) + 1)
    cursor = 0
    for token in tokens:
        begin_of_token = text.index(token.text, cursor)
        cursor = begin_of_token + len(token.text)
        letters = len(token.text) / len(token.sounds)  # a sound
        for number, (begin, end) in enumerate(token.sounds):
            for frame in range(round(begin / FRAME_S), min(round(end / FRAME_S), len(frames))):
                part = min(max(((frame + 0.5) * FRAME_S - begin) / (end - begin), 0), 0.999)
                frames[frame] = begin_of_token + int((number + part) * letters) + 1
    return frames


def make_clip(job: tuple[pathlib.Path, str, str, bool]) -> None:
    folder, voice, text, pitches = job
    wav = folder / f"{hash_of(text)[:16]}.wav"
    if wav.exists():
        return
    speech = flite.speak(voice, text).at_pitch(pitch_of(text) if pitches else 1)
    begin = max(speech.tokens[0].sounds[0][0] - SILENCE_S[0], 0)
    end = speech.tokens[-1].sounds[-1][1] + SILENCE_S[1]
    tokens = [flite.Token(token.text, [(a - begin, b - begin) for a, b in token.sounds]) for token in speech.tokens]
    frames = frames_of(text, tokens)
    pcm = speech.pcm[2 * int(begin * speech.rate) : 2 * int(end * speech.rate)]
    frames += [0] * (int(len(pcm) // 2 / speech.rate / FRAME_S) + 1 - len(frames))
    demo_data.write_whole(wav.with_suffix(".lab"), text.encode() + b"\n")
    demo_data.write_whole(wav.with_suffix(".alignment"), " ".join(map(str, frames)).encode() + b"\n")
    temporary = wav.with_suffix(".tmp.wav")
    with wave.open(str(temporary), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(speech.rate)
        file.writeframes(pcm)
    os.replace(temporary, wav)


def texts_to_read(options: argparse.Namespace) -> list[str]:
    never = held_out()
    spoken = [text for text in prompts() if SPOKEN_AS_WRITTEN.fullmatch(text)]
    sentences = examples(WORDS_OF_A_SENTENCE)
    both = spoken * 20 + sentences  # the prompts' words are the ones that will be wanted
    texts = common_words(both, options.words) + phrases(both, options.phrases)
    single = spoken + walks(spoken, options.walks, never) + sentences[: options.sentences]
    texts += single + pairs(single, options.pairs, never)
    texts += examples(WORDS_OF_A_LONG_SENTENCE)[: options.long]
    return [text for text in dict.fromkeys(texts) if key_of(text) and key_of(text) not in never]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--voices", nargs="+", default=["slt"], help="each text is read by one of them (default slt)")
    parser.add_argument("--words", type=int, default=6000, help="common ones, alone (default 6000)")
    parser.add_argument("--phrases", type=int, default=6000, help="of two to four words (default 6000)")
    parser.add_argument("--walks", type=int, default=4000, help="in the prompts' words (default 4000)")
    parser.add_argument("--sentences", type=int, default=8000, help="of WordNet (default 8000)")
    parser.add_argument("--long", type=int, default=4000, help="longer ones of WordNet (default 4000)")
    parser.add_argument("--pairs", type=int, default=6000, help="of these, two behind each other (default 6000)")
    parser.add_argument("--pitches", action="store_true", help="each text at a pitch of its own, as by many voices")
    options = parser.parse_args()
    if not (WORDNET / "data.noun").exists():
        sys.exit(f"synthetic_data: {WORDNET} is missing: install wordnet-base")
    jobs = []
    for text in texts_to_read(options):
        voice = options.voices[int(hash_of(text)[-2:], 16) % len(options.voices)]
        jobs.append((options.out / voice, voice, text, options.pitches))
    for voice in options.voices:
        (options.out / voice).mkdir(parents=True, exist_ok=True)
    with multiprocessing.Pool() as pool:
        for done, _ in enumerate(pool.imap_unordered(make_clip, jobs, 16), 1):
            if done % 100 == 0 or done == len(jobs):
                print(f"\r{done}/{len(jobs)} texts", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
