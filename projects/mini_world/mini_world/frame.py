from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .canvas import Point


@dataclass
class Frame:
    """Local coordinate frame: u points forward, v up.

    Args:
        x (float): Origin in picture pixels.
        y (float): Origin in picture pixels.
        unit (float): Pixels per unit of length.
        facing (int): 1 faces right, -1 left.
        tilt (float): Rotation in degrees that raises the front.
    """

    x: float
    y: float
    unit: float
    facing: int = 1
    tilt: float = 0.0

    def at(self, u: float, v: float) -> Point:
        """Map a local point to the picture."""
        turn = np.deg2rad(self.tilt)
        a = u * np.cos(turn) - v * np.sin(turn)
        b = u * np.sin(turn) + v * np.cos(turn)
        return (self.x + self.facing * a * self.unit, self.y - b * self.unit)

    def all(self, points: Iterable[Point]) -> list[Point]:
        """Map local points to the picture."""
        return [self.at(u, v) for u, v in points]

    def local(self, point: Point) -> Point:
        """Map a picture point to the frame; requires zero tilt."""
        return (
            (point[0] - self.x) * self.facing / self.unit,
            (self.y - point[1]) / self.unit,
        )
