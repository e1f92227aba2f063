"""Positions on Earth as numbers, by which those near a point are found in an index."""

from math import asin, cos, degrees, pi, radians, sin
from typing import NamedTuple

CELL_BITS = 26
"""Bits of the longitude, and of the latitude, in a cell: cells are less than a metre wide."""
EARTH_RADIUS = 6_371_008.8
"""The mean radius in meters."""
_CELLS = 1 << CELL_BITS


class UnitVector(NamedTuple):
    """A point on a sphere with the radius 1."""

    x: float
    y: float
    z: float


def unit_vector(latitude: float, longitude: float) -> UnitVector:
    """Return the point at a latitude and longitude, in degrees."""
    parallel, meridian = radians(latitude), radians(longitude)
    return UnitVector(cos(parallel) * cos(meridian), cos(parallel) * sin(meridian), sin(parallel))


def cell_of(latitude: float, longitude: float) -> int:
    """Return the Morton code of a position, in degrees.

    The bits of longitude and latitude alternate, the lowest being the longitude's, so that the
    cells of a square of 2^n by 2^n cells are a range.
    """
    return _spread(_cell(longitude, 180)) | _spread(_cell(latitude, 90)) << 1


def _spread(number: int) -> int:
    """Return a number with a zero between any two of its bits."""
    return int(f"{number:b}", 4)


def cells_near(latitude: float, longitude: float, meters: float) -> list[tuple[int, int]]:
    """Return ranges of cells that have all positions within a distance of a point.

    They have others too: at most about four times the length and width of the circle.
    """
    angle = meters / EARTH_RADIUS
    north, south = latitude + degrees(angle), latitude - degrees(angle)
    half = 180.0
    if north < 90 and south > -90:
        half = degrees(asin(min(sin(angle) / cos(radians(latitude)), 1.0)))
    rows = _cell(max(south, -90), 90), _cell(min(north, 90), 90)
    west, east = longitude - half, longitude + half
    if half >= 180:
        spans = [(-180.0, 180.0)]
    elif west < -180:
        spans = [(west + 360, 180.0), (-180.0, east)]
    elif east > 180:
        spans = [(west, 180.0), (-180.0, east - 360)]
    else:
        spans = [(west, east)]
    ranges = []
    for start, end in spans:
        ranges += _covering((_cell(start, 180), _cell(end, 180)), rows)
    return ranges


def squared_chord(meters: float) -> float:
    """Return the square of the straight distance, in a sphere with the radius 1, of an arc."""
    return float((2 * sin(min(meters / EARTH_RADIUS, pi) / 2)) ** 2)


def _cell(angle: float, most: int) -> int:
    """Return the number of the cell, in one direction, that has an angle from `-most` to `most`."""
    return min(int((angle + most) / (2 * most) * _CELLS), _CELLS - 1)


def _covering(columns: tuple[int, int], rows: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the ranges of at most sixteen squares that cover a rectangle of cells."""
    bits = 0
    while any((end >> bits) - (start >> bits) > 3 for start, end in (columns, rows)):
        bits += 1
    squares = sorted(
        _spread(column) | _spread(row) << 1
        for column in range(columns[0] >> bits, (columns[1] >> bits) + 1)
        for row in range(rows[0] >> bits, (rows[1] >> bits) + 1)
    )
    size = 1 << 2 * bits
    ranges: list[tuple[int, int]] = []
    for square in squares:
        start = square * size
        if ranges and ranges[-1][1] == start - 1:
            start = ranges.pop()[0]
        ranges.append((start, (square + 1) * size - 1))
    return ranges
