"""The multi-resolution STFT loss by numpy, in float64: see README.md."""

import json

import numpy

SIZES = [{"n_fft": 512, "hop": 128, "window": 512}, {"n_fft": 1024, "hop": 200, "window": 600}]


def magnitudes(wave, n_fft, hop, window):
    shape = 0.5 - 0.5 * numpy.cos(2 * numpy.pi * numpy.arange(window) / window)
    before = (n_fft - window) // 2
    shape = numpy.pad(shape, (before, n_fft - window - before))
    starts = range(0, wave.shape[1] - n_fft + 1, hop)
    frames = numpy.stack([wave[:, s : s + n_fft] * shape for s in starts], axis=1)
    return numpy.sqrt(numpy.maximum(numpy.abs(numpy.fft.rfft(frames)) ** 2, 1e-7))


def loss(guess, truth):
    total = 0.0
    for size in SIZES:
        found, right = magnitudes(guess, **size), magnitudes(truth, **size)
        total += numpy.sqrt(((found - right) ** 2).sum()) / numpy.sqrt((right**2).sum())
        total += numpy.abs(numpy.log(found) - numpy.log(right)).mean()
    return total / len(SIZES)


random = numpy.random.default_rng(7)
time = numpy.arange(6000) / 44100
truth = numpy.stack([0.4 * numpy.sin(900 * time * (1 + 40 * time)), random.uniform(-0.2, 0.2, 6000)])
truth[0, 5000:] = 0
guess = 0.8 * truth + random.uniform(-0.05, 0.05, truth.shape)
direction = random.uniform(-1, 1, truth.shape)
truth, guess, direction = (x.astype(numpy.float32) for x in (truth, guess, direction))
for name, values in (("truth", truth), ("guess", guess), ("direction", direction)):
    numpy.save(name + ".npy", values)
exact = [x.astype(numpy.float64) for x in (guess, truth, direction)]
step = 1e-5
slope = (loss(exact[0] + step * exact[2], exact[1]) - loss(exact[0] - step * exact[2], exact[1])) / (2 * step)
with open("losses.json", "w") as file:
    json.dump({"sizes": SIZES, "loss": loss(exact[0], exact[1]), "slope": slope}, file, indent=1)
    file.write("\n")
