"""A recogniser for koi eval: pocketsphinx with a closed language model, made of the sentences asked. English; it is choosy about the channel.

It knows no word beyond those sentences, so a word that it gets right was heard, not guessed by a large model. A word that is not in the dictionary
is pronounced as the two words that it is made of (touchtone), else letter by letter (pbx).
"""

import pathlib
import re
import tempfile

import koi_lines
import numpy as np
import pocketsphinx
from faster_whisper.audio import decode_audio
from pocketsphinx.lm import ArpaBoLM

RATE_HZ = 16000
MODEL = pathlib.Path(pocketsphinx.get_model_path()) / "en-us"


def words_of(text: str) -> list[str]:
    words = re.sub(r"[^a-z']+", " ", text.lower().replace("\u2019", "'")).split()
    return [word.strip("'") for word in words if word.strip("'")]


def read_dictionary() -> dict[str, list[str]]:
    """Of each word its pronunciations."""
    dictionary: dict[str, list[str]] = {}
    for line in (MODEL / "cmudict-en-us.dict").read_text().splitlines():
        word, _, phones = line.partition(" ")
        dictionary.setdefault(re.sub(r"\(\d+\)$", "", word), []).append(phones)
    return dictionary


def pronounce(word: str, dictionary: dict[str, list[str]]) -> list[str]:
    if word in dictionary:
        return dictionary[word]
    for cut in sorted(range(2, len(word) - 1), key=lambda cut: abs(cut - len(word) / 2)):
        if word[:cut] in dictionary and word[cut:] in dictionary:
            return [dictionary[word[:cut]][0] + " " + dictionary[word[cut:]][0]]
    return [" ".join(dictionary[letter][0] for letter in word if letter != "'")]


def make_decoder(sentences: list[list[str]], folder: pathlib.Path) -> pocketsphinx.Decoder:
    dictionary = read_dictionary()
    lexicon = folder / "words.dict"
    with open(lexicon, "w") as file:
        for word in sorted({word for sentence in sentences for word in sentence}):
            for i, phones in enumerate(pronounce(word, dictionary)):
                print(word + (f"({i + 1})" if i else ""), phones, file=file)
    model = ArpaBoLM(text="\n".join(map(" ".join, sentences)), add_start=True)
    model.compute()
    model.write_file(str(folder / "sentences.lm"))
    # Each utterance is normalised by itself, so that an answer does not depend on those before.
    return pocketsphinx.Decoder(
        hmm=str(MODEL / "en-us"), dict=str(lexicon), lm=str(folder / "sentences.lm"), cmn="batch", loglevel="ERROR"
    )


def hear(decoder: pocketsphinx.Decoder, wav: str) -> str:
    samples = np.clip(decode_audio(wav, RATE_HZ) * 32768, -32768, 32767).astype("<i2")
    decoder.start_utt()
    decoder.process_raw(samples.tobytes(), no_search=False, full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return hypothesis.hypstr if hypothesis else ""


def main() -> None:
    requests = koi_lines.read()
    sentences = sorted({tuple(words_of(request.text)) for request in requests})
    with tempfile.TemporaryDirectory() as folder:
        decoder = make_decoder([list(words) for words in sentences if words], pathlib.Path(folder))
        for request in requests:
            if request.wav:
                koi_lines.answer(request, hear(decoder, request.wav))


if __name__ == "__main__":
    main()
