"""flite's voices, with the time of each sound: ctypes on Debian's libflite1."""

import ctypes
import dataclasses
import functools
import zlib

POINTER = ctypes.c_void_p
# name: (result, arguments), of flite.h and cst_item.h
FUNCTIONS = {
    "flite_init": (ctypes.c_int, []),
    "flite_synth_text": (POINTER, [ctypes.c_char_p, POINTER]),
    "utt_wave": (POINTER, [POINTER]),
    "utt_relation": (POINTER, [POINTER, ctypes.c_char_p]),
    "relation_head": (POINTER, [POINTER]),
    "item_next": (POINTER, [POINTER]),
    "item_parent": (POINTER, [POINTER]),
    "item_as": (POINTER, [POINTER, ctypes.c_char_p]),
    "item_feat_string": (ctypes.c_char_p, [POINTER, ctypes.c_char_p]),
    "item_feat_float": (ctypes.c_float, [POINTER, ctypes.c_char_p]),
    "delete_utterance": (None, [POINTER]),
}


class Wave(ctypes.Structure):
    """cst_wave"""

    _fields_ = [("type", ctypes.c_char_p), ("rate", ctypes.c_int), ("length", ctypes.c_int),
                ("channels", ctypes.c_int), ("samples", ctypes.POINTER(ctypes.c_short))]


@dataclasses.dataclass
class Token:
    """A word as it stands in the text, without punctuation around it."""

    text: str
    sounds: list[tuple[float, float]]  # begin and end of each, s


@dataclasses.dataclass
class Speech:
    rate: int  # Hz
    pcm: bytes  # 16 bits, mono
    tokens: list[Token]

    def at_pitch(self, factor: float) -> "Speech":
        """The same samples, played faster (above 1) or slower."""
        tokens = [Token(token.text, [(begin / factor, end / factor) for begin, end in token.sounds]) for token in self.tokens]
        return Speech(round(self.rate * factor), self.pcm, tokens)


@functools.cache
def library() -> ctypes.CDLL:
    flite = ctypes.CDLL("libflite.so.1", ctypes.RTLD_GLOBAL)
    for name in ("cmulex", "usenglish"):
        ctypes.CDLL(f"libflite_{name}.so.1", ctypes.RTLD_GLOBAL)
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(flite, name)
        function.restype, function.argtypes = result, arguments
    flite.flite_init()
    return flite


@functools.cache
def voice_of(name: str) -> int:
    library()
    register = getattr(ctypes.CDLL(f"libflite_cmu_us_{name}.so.1"), f"register_cmu_us_{name}")
    register.restype, register.argtypes = POINTER, [POINTER]
    return register(None)


def token_of(sound: int) -> int | None:
    """The item of the word that a sound belongs to; none in a pause."""
    flite = library()
    item = flite.item_as(sound, b"SylStructure")
    for _ in ("syllable", "word"):
        item = item and flite.item_parent(item)
    item = item and flite.item_as(item, b"Token")
    return item and flite.item_parent(item)


def speak(voice: str, text: str) -> Speech:
    """`voice`: slt, rms, awb or kal. The same samples each time: flite's noise comes from C's rand()."""
    flite = library()
    ctypes.CDLL(None).srand(zlib.crc32(text.encode()))
    utterance = flite.flite_synth_text(text.encode(), voice_of(voice))
    wave = ctypes.cast(flite.utt_wave(utterance), ctypes.POINTER(Wave)).contents
    speech = Speech(wave.rate, ctypes.string_at(wave.samples, 2 * wave.length), [])
    last, begin = None, 0.0
    sound = flite.relation_head(flite.utt_relation(utterance, b"Segment"))
    while sound:
        end = flite.item_feat_float(sound, b"end")
        token = token_of(sound)
        if token and token != last:
            speech.tokens.append(Token(flite.item_feat_string(token, b"name").decode(), []))
            last = token
        if token:
            speech.tokens[-1].sounds.append((begin, end))
        begin = end
        sound = flite.item_next(sound)
    flite.delete_utterance(utterance)
    return speech
