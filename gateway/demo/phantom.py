"""A head phantom of ellipsoids, after Shepp and Logan, as a volume and as pictures of slices."""

import functools

import numpy as np
import numpy.typing as npt
from PIL import Image

Voxels = npt.NDArray[np.int16]

# Half-axes, centre, rotation about the vertical axis in degrees, and added density.
ELLIPSOIDS = (
    ((0.690, 0.920, 0.900), (0.00, 0.000, 0.000), 0, 1.00),
    ((0.662, 0.874, 0.880), (0.00, 0.000, 0.000), 0, -0.75),
    ((0.410, 0.160, 0.210), (-0.22, 0.000, -0.250), 108, -0.20),
    ((0.310, 0.110, 0.220), (0.22, 0.000, -0.250), 72, -0.20),
    ((0.210, 0.250, 0.500), (0.00, 0.350, -0.250), 0, 0.12),
    ((0.046, 0.046, 0.046), (0.00, 0.100, -0.250), 0, 0.15),
    ((0.046, 0.023, 0.020), (-0.08, -0.650, -0.250), 0, 0.15),
    ((0.046, 0.023, 0.020), (0.06, -0.650, -0.250), 90, 0.15),
    ((0.056, 0.040, 0.100), (0.06, -0.105, 0.625), 90, 0.20),
    ((0.056, 0.056, 0.100), (0.00, 0.100, 0.625), 0, -0.15),
)


@functools.lru_cache(maxsize=4)
def head(size: int, slices: int, brightest: int = 4095) -> Voxels:
    """Return the head as (slices, rows, columns), from the neck upwards, with a little noise."""
    z, y, x = np.meshgrid(
        np.linspace(-0.85, 0.85, slices),
        np.linspace(1, -1, size),
        np.linspace(-1, 1, size),
        indexing="ij",
    )
    density = np.zeros(x.shape)
    for (a, b, c), (across, up, high), degrees, adds in ELLIPSOIDS:
        turn = np.radians(degrees)
        along = (x - across) * np.cos(turn) + (y - up) * np.sin(turn)
        aside = (y - up) * np.cos(turn) - (x - across) * np.sin(turn)
        density += adds * ((along / a) ** 2 + (aside / b) ** 2 + ((z - high) / c) ** 2 <= 1)
    noise = np.random.default_rng(1).normal(0, 0.012, density.shape)
    return (np.clip(density + noise, 0, 1) * brightest).astype(np.int16)


def slice_image(size: int, slices: int, number: int) -> Image.Image:
    """Return one slice as a grey picture, brightened as on a diagnostic screen."""
    grey = np.clip(head(size, slices)[number] / 4095 * 1.9, 0, 1)
    return Image.fromarray((grey * 255).astype(np.uint8))
