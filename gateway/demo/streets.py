"""Pictures and videos of an invented street, drawn from a seed for different times of day."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Hour = Literal["dawn", "noon", "dusk", "night"]
OVERSAMPLING = 2
"""Pictures are drawn larger by this factor and then reduced, which smooths their edges."""


@dataclass(frozen=True)
class Light:
    """The colours of an hour, and the height of the sun or moon, from 0 at the roofs to 1."""

    zenith: Colour
    horizon: Colour
    disc: Colour
    height: float
    walls: tuple[Colour, ...]
    far: Colour
    windows: Colour
    road: Colour
    lamps: Colour


LIGHTS: dict[Hour, Light] = {
    "dawn": Light(
        zenith=(92, 118, 176),
        horizon=(250, 205, 178),
        disc=(255, 236, 200),
        height=0.15,
        walls=((172, 120, 110), (196, 150, 128), (150, 116, 130), (205, 168, 150)),
        far=(150, 140, 172),
        windows=(250, 222, 170),
        road=(92, 88, 104),
        lamps=(255, 240, 200),
    ),
    "noon": Light(
        zenith=(64, 138, 214),
        horizon=(206, 230, 246),
        disc=(255, 250, 222),
        height=0.8,
        walls=((214, 126, 92), (232, 190, 120), (186, 98, 84), (226, 214, 190), (120, 150, 160)),
        far=(160, 188, 206),
        windows=(86, 116, 140),
        road=(112, 114, 120),
        lamps=(236, 236, 230),
    ),
    "dusk": Light(
        zenith=(54, 48, 108),
        horizon=(248, 150, 92),
        disc=(255, 206, 120),
        height=0.05,
        walls=((110, 64, 84), (132, 78, 82), (88, 58, 92), (150, 96, 90)),
        far=(124, 84, 122),
        windows=(255, 204, 112),
        road=(64, 56, 76),
        lamps=(255, 228, 160),
    ),
    "night": Light(
        zenith=(8, 12, 34),
        horizon=(38, 48, 92),
        disc=(232, 236, 246),
        height=0.75,
        walls=((30, 34, 58), (38, 38, 64), (26, 30, 48), (46, 44, 70)),
        far=(22, 26, 54),
        windows=(255, 214, 120),
        road=(22, 24, 36),
        lamps=(255, 236, 176),
    ),
}
CARS: tuple[Colour, ...] = (
    (206, 54, 48),
    (52, 96, 170),
    (240, 196, 60),
    (236, 236, 240),
    (44, 120, 92),
)


def street(width: int, height: int, hour: Hour, seed: int) -> Image.Image:
    """Return a picture of the street with this seed at an hour."""
    return _with_cars(_empty_street(width, height, hour, seed), LIGHTS[hour], seed, 0.0)


def drive(
    width: int, height: int, hour: Hour, seed: int, frames: int
) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the frames of a video of the street, 12 a second."""
    empty = _empty_street(width, height, hour, seed)
    for number in range(frames):
        yield np.asarray(_with_cars(empty, LIGHTS[hour], seed, number / 12))


def _empty_street(width: int, height: int, hour: Hour, seed: int) -> Image.Image:
    """Return the street without cars, still oversampled."""
    light = LIGHTS[hour]
    down = np.clip(np.linspace(0, 1.5, height * OVERSAMPLING), 0, 1)[:, None, None]
    sky = np.array(light.zenith) * (1 - down) + np.array(light.horizon) * down
    shape = (height * OVERSAMPLING, width * OVERSAMPLING, 3)
    scene = Image.fromarray(np.broadcast_to(sky, shape).astype(np.uint8))
    draw = ImageDraw.Draw(scene)
    random = np.random.default_rng(seed)
    x, y = random.uniform(0.15, 0.85) * shape[1], shape[0] * (0.46 - 0.34 * light.height)
    radius = shape[0] * 0.055
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), light.disc)
    _draw_houses(draw, random, light, (light.far,), base=0.62, tallest=0.38, lit=0.0)
    _draw_houses(
        draw,
        random,
        light,
        light.walls,
        base=0.74,
        tallest=0.46,
        lit=0.25 if hour == "noon" else 0.5,
    )
    # Pavement, road, centre line and lamps.
    height, width, _ = shape
    draw.rectangle((0, 0.74 * height, width, 0.79 * height), _shade(light.road, 1.35))
    draw.rectangle((0, 0.79 * height, width, height), light.road)
    for x in np.arange(0, width, width / 9):
        draw.rectangle((x, 0.888 * height, x + width / 18, 0.9 * height), light.lamps)
    for x in np.arange(width / 10, width, width / 4):
        draw.rectangle(
            (x, 0.56 * height, x + 0.006 * height, 0.77 * height), _shade(light.road, 0.6)
        )
        draw.ellipse(
            (x - 0.016 * height, 0.53 * height, x + 0.022 * height, 0.568 * height), light.lamps
        )
    return scene


def _with_cars(empty: Image.Image, light: Light, seed: int, seconds: float) -> Image.Image:
    """Return the street in its final size, with the cars where they are after some seconds."""
    scene = empty.copy()
    _draw_cars(ImageDraw.Draw(scene), np.random.default_rng((seed, 1)), light, seconds)
    return scene.reduce(OVERSAMPLING)


def _draw_houses(
    draw: ImageDraw.ImageDraw,
    random: np.random.Generator,
    light: Light,
    walls: tuple[Colour, ...],
    base: float,
    tallest: float,
    lit: float,
) -> None:
    """Draw a row of houses from edge to edge; `lit` is the share of windows with light."""
    width, height = draw.im.size
    left = -random.uniform(0, 0.05) * width
    while left < width:
        right = left + random.uniform(0.07, 0.15) * width
        top = (base - random.uniform(0.4, 1.0) * tallest) * height
        wall = walls[random.integers(len(walls))]
        draw.rectangle((left, top, right, base * height), wall)
        if random.random() < 0.4:
            draw.polygon(
                [(left, top), ((left + right) / 2, top - 0.06 * height), (right, top)],
                _shade(wall, 0.8),
            )
        size = height * 0.032
        rows = np.arange(top + size, base * height - 2 * size, 1.9 * size) if lit else ()
        for y in rows:
            for x in np.arange(left + 0.6 * size, right - size, 1.5 * size):
                colour = light.windows if random.random() < lit else _shade(wall, 0.72)
                draw.rectangle((x, y, x + 0.75 * size, y + 1.1 * size), colour)
        left = right


def _draw_cars(
    draw: ImageDraw.ImageDraw, random: np.random.Generator, light: Light, seconds: float
) -> None:
    """Draw two cars on the far lane, driving right, and two on the near lane, driving left."""
    width, height = draw.im.size
    for lane, direction in ((0.862, 1), (0.962, -1)):
        for offset in (0.0, 0.55):
            speed = direction * 0.16 * width
            start = (offset + random.uniform(0, 0.3)) * width
            x = (start + speed * seconds) % (1.3 * width) - 0.15 * width
            colour = CARS[random.integers(len(CARS))]
            length = 0.17 * height * (0.8 + 0.3 * lane)
            y = lane * height
            high, wheel = 0.2 * length, 0.11 * length
            paint = _shade(colour, 0.45) if light is LIGHTS["night"] else colour
            cabin = (x + 0.22 * length, y - 2.3 * high, x + 0.78 * length, y - 0.9 * high)
            draw.rounded_rectangle(cabin, 0.6 * high, _shade(paint, 0.85))
            for near, far in ((0.29, 0.48), (0.53, 0.71)):
                pane = (x + near * length, y - 2.05 * high, x + far * length, y - 1.35 * high)
                draw.rectangle(pane, _shade(light.horizon, 0.9))
            draw.rounded_rectangle(
                (x, y - 1.4 * high, x + length, y - 0.3 * high), 0.45 * high, paint
            )
            for middle in (0.22, 0.78):
                centre = x + middle * length
                draw.ellipse((centre - wheel, y - 2 * wheel, centre + wheel, y), (24, 24, 28))
            front = x + length * (0.97 if direction > 0 else 0.03)
            draw.ellipse(
                (front - 0.04 * length, y - 1.1 * high, front + 0.04 * length, y - 0.7 * high),
                light.lamps,
            )


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, round(part * factor)) for part in colour)
    return red, green, blue
