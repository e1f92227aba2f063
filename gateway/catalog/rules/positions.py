"""Positions on Earth as numbers, by which those near a point are found in an index."""

from math import cos, radians, sin
from typing import NamedTuple

CELL_BITS = 26
"""Bits of the longitude, and of the latitude, in a cell: cells are less than a metre wide."""
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
    column = min(int((longitude + 180) / 360 * _CELLS), _CELLS - 1)
    row = min(int((latitude + 90) / 180 * _CELLS), _CELLS - 1)
    return _spread(column) | _spread(row) << 1


def _spread(number: int) -> int:
    """Return a number with a zero between any two of its bits."""
    return int(f"{number:b}", 4)
