from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .canvas import Point


@dataclass
class Frame:
    """A local frame: u points where the thing faces, v points up.

    Args:
        x (float): Origin in picture pixels.
        y (float): Origin in picture pixels.
        unit (float): Pixels for a length of one.
        facing (int): 1 faces right, -1 left.
        tilt (float): Turn in degrees, raising the front.
    """

    x: float
    y: float
    unit: float
    facing: int = 1
    tilt: float = 0.0

    def at(self, u: float, v: float) -> Point:
        """Picture position of a local point."""
        turn = np.deg2rad(self.tilt)
        a = u * np.cos(turn) - v * np.sin(turn)
        b = u * np.sin(turn) + v * np.cos(turn)
        return (self.x + self.facing * a * self.unit, self.y - b * self.unit)

    def all(self, points: Iterable[Point]) -> list[Point]:
        """Picture positions of many local points."""
        return [self.at(u, v) for u, v in points]

    def local(self, point: Point) -> Point:
        """Local position of a picture point; the tilt must be zero."""
        return (
            (point[0] - self.x) * self.facing / self.unit,
            (self.y - point[1]) / self.unit,
        )
