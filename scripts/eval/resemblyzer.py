"""Speaker embeddings for koi eval: the network and weights of the package resemblyzer (its file is read, none of its code run).

The package itself asks for PyTorch with CUDA and librosa, 6 GB; three LSTM layers and a mel spectrogram are a few lines of numpy. The embeddings
are the package's own: a cosine of 0.9999999 on recordings of 16 kHz.
"""

import collections
import importlib.machinery
import os
import pathlib
import pickle
import sys

import koi_lines

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its matrices are small: more threads only wait for each other
import numpy as np
import webrtcvad
from faster_whisper.audio import decode_audio

RATE_HZ = 16000
HOP = 160
WINDOW = 400
MELS = 40
FRAMES = 160  # of one look of the network: 1.6 s
STEP = 77  # frames between two looks: 1.3 a second
HIDDEN = 256
VAD_WINDOW = 480  # 30 ms


class TorchFile(pickle.Unpickler):
    """The tensors of a file that torch wrote before it wrote archives; knows the few names that such a file needs."""

    DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8", "IntStorage": "<i4"}

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape)
        if module == "torch" and name in self.DTYPES:
            return self.DTYPES[name]
        raise pickle.UnpicklingError(f"unexpected {module}.{name}")

    def persistent_load(self, name):
        _, dtype, key, _, count, _ = name
        self.storages.setdefault(key, np.empty(count, dtype))
        return self.storages[key]


def read_weights(path: pathlib.Path) -> dict[str, np.ndarray]:
    with open(path, "rb") as file:
        for _ in range(3):  # a magic number, a version, sizes of types
            pickle.load(file)
        unpickler = TorchFile(file)
        state = unpickler.load()["model_state"]
        for key in pickle.load(file):
            storage = unpickler.storages[key]
            file.seek(8, 1)  # the count again
            storage[:] = np.frombuffer(file.read(storage.nbytes), storage.dtype)
    return {
        name: storage[offset : offset + int(np.prod(shape))].reshape(shape)
        for name, (storage, offset, shape) in state.items()
    }


def mel_filters() -> np.ndarray:
    """[bins, MELS], Slaney's scale and areas, 0 to 8 kHz."""

    def to_hz(mel):
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))

    top = 15 + 27 * np.log(RATE_HZ / 2 / 1000) / np.log(6.4)
    edges = to_hz(np.linspace(0, top, MELS + 2))
    bins = np.linspace(0, RATE_HZ / 2, WINDOW // 2 + 1)[:, None]
    up = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(up, down)) * 2 / (edges[2:] - edges[:-2])


FILTERS = mel_filters()


def mel_frames(samples: np.ndarray) -> np.ndarray:
    """[frames, MELS], of power; frame t is centred on sample t * HOP."""
    padded = np.pad(samples, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    return (np.abs(np.fft.rfft(frames * window)) ** 2 @ FILTERS).astype(np.float32)


def is_voiced(samples: np.ndarray) -> np.ndarray:
    """For each 30 ms: speech, pauses up to 0.2 s and what is around it."""
    pcm = np.round(samples * 32767).astype("<i2").reshape(-1, VAD_WINDOW)
    vad = webrtcvad.Vad(3)
    flags = np.array([vad.is_speech(piece.tobytes(), RATE_HZ) for piece in pcm], float)
    smooth = np.convolve(np.pad(flags, (3, 4)), np.ones(8) / 8, "valid").round()
    return np.convolve(smooth, np.ones(7), "same") > 0.5


def trimmed(samples: np.ndarray) -> np.ndarray:
    """At least -30 dBFS loud, without long pauses."""
    level_db = 10 * np.log10(max(np.mean(samples**2), 1e-12))
    samples = samples * 10 ** (max(0, -30 - level_db) / 20)
    samples = samples[: len(samples) - len(samples) % VAD_WINDOW]
    return samples[np.repeat(is_voiced(samples), VAD_WINDOW)] if len(samples) else samples


def looks(samples: np.ndarray) -> np.ndarray:
    """[looks, FRAMES, MELS]; the last one is left out where less than three quarters of it have sound."""
    count = -(-(len(samples) + 1) // HOP)
    starts = list(range(0, max(1, count - FRAMES + STEP + 1), STEP))
    if len(starts) > 1 and (len(samples) - starts[-1] * HOP) / (FRAMES * HOP) < 0.75:
        starts.pop()
    end = (starts[-1] + FRAMES) * HOP
    mels = mel_frames(np.pad(samples, (0, max(0, end - len(samples)))))
    return np.stack([mels[start : start + FRAMES] for start in starts])


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def last_state(weights: dict[str, np.ndarray], layer: int, inputs: np.ndarray) -> np.ndarray:
    """[looks, FRAMES, HIDDEN]: an LSTM layer's outputs."""
    inner = weights[f"lstm.weight_hh_l{layer}"].T
    bias = weights[f"lstm.bias_ih_l{layer}"] + weights[f"lstm.bias_hh_l{layer}"]
    driven = inputs @ weights[f"lstm.weight_ih_l{layer}"].T + bias
    state = cell = np.zeros((len(inputs), HIDDEN), np.float32)
    outputs = []
    for t in range(inputs.shape[1]):
        enter, forget, content, leave = np.split(driven[:, t] + state @ inner, 4, axis=1)
        cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(content)
        state = sigmoid(leave) * np.tanh(cell)
        outputs.append(state)
    return np.stack(outputs, axis=1)


def embed(weights: dict[str, np.ndarray], samples: np.ndarray) -> np.ndarray:
    values = looks(samples)
    for layer in range(3):
        values = last_state(weights, layer, values)
    raw = np.maximum(0, values[:, -1] @ weights["linear.weight"].T + weights["linear.bias"])
    return np.mean(raw / np.linalg.norm(raw, axis=1, keepdims=True), axis=0)


def weights_file() -> pathlib.Path:
    """In the package, which has this file's name: this one's folder is not looked into."""
    here = str(pathlib.Path(__file__).parent)
    others = [folder for folder in sys.path if folder not in ("", here)]
    spec = importlib.machinery.PathFinder.find_spec("resemblyzer", others)
    return pathlib.Path(spec.origin).parent / "pretrained.pt"


def main() -> None:
    weights = read_weights(weights_file())
    for request in koi_lines.read():
        if not request.wav:
            continue
        samples = trimmed(decode_audio(request.wav, RATE_HZ))
        values = embed(weights, samples) if len(samples) else []
        koi_lines.answer(request, " ".join(f"{value:.6g}" for value in values))


if __name__ == "__main__":
    main()
