"""Sounds made of sine waves and noise: birds, a bell, and rain."""

import numpy as np
import numpy.typing as npt

Wave = npt.NDArray[np.int16]
PEAK = 20_000


def birds(seconds: float, rate: int, seed: int) -> Wave:
    """Return chirps that rise and fall, with pauses."""
    random = np.random.default_rng(seed)
    wave = np.zeros(round(seconds * rate))
    start = 0.1
    while start + 0.25 < seconds:
        length = random.uniform(0.07, 0.16)
        time = np.arange(round(length * rate)) / rate
        pitch = random.uniform(2200, 4200) + random.uniform(-9000, 9000) * time
        chirp = np.sin(2 * np.pi * np.cumsum(pitch) / rate) * np.sin(np.pi * time / length)
        begin = round(start * rate)
        wave[begin : begin + len(chirp)] += chirp
        start += length + random.choice([0.04, 0.05, 0.35])
    return _normalized(wave)


def bell(seconds: float, rate: int, seed: int) -> Wave:
    """Return a bell that is struck once a second."""
    pitch = 300 + 20 * (seed % 10)
    time = np.arange(round(seconds * rate)) / rate % 1.0
    partials = ((0.5, 1.5), (1.0, 3.0), (1.2, 4.0), (2.0, 6.0), (3.01, 9.0))
    wave = np.zeros(len(time))
    for ratio, fade in partials:
        wave += np.sin(2 * np.pi * pitch * ratio * time) * np.exp(-fade * time)
    return _normalized(wave)


def rain(seconds: float, rate: int, seed: int) -> Wave:
    """Return noise with single drops."""
    random = np.random.default_rng(seed)
    noise = np.convolve(random.normal(0, 1, round(seconds * rate)), np.ones(6) / 6, "same")
    drops = random.random(len(noise)) > 1 - 25 / rate
    fall = np.exp(-np.arange(rate // 80) / (rate / 800))
    return _normalized(noise + 6 * np.convolve(drops, fall, "same"))


def _normalized(wave: npt.NDArray[np.float64]) -> Wave:
    """Return samples of 16 bits with the peak at `PEAK`."""
    samples: Wave = (wave / np.abs(wave).max() * PEAK).astype(np.int16)
    return samples
