from collections.abc import Sequence

import cv2
import numpy as np

Point = tuple[float, float]
Color = tuple[int, int, int]

_SHIFT = 4  # fractional bits of cv2's fixed-point coordinates


def _circle(count: int) -> np.ndarray:
    around = np.arange(count) * (2 * np.pi / count)
    return np.stack([np.cos(around), np.sin(around)], axis=1)


_CIRCLES = (_circle(16), _circle(28))


def shade(color: Sequence[int], factor: float) -> Color:
    """Darken (factor below 1) or lighten (above 1) a color."""
    if factor <= 1:
        return tuple(int(c * factor) for c in color)
    return tuple(int(255 - (255 - c) / factor) for c in color)


class Canvas:
    """Image with an instance label of each pixel.

    Shapes are drawn at a multiple of the final size, without anti-aliasing,
    into the colors and into a map of owners (instance labels); the colors are
    downsampled at the end. Boxes are computed from the map of owners, so they
    are tight around visible pixels. Owner 0 is the background, 255 an
    unannotated prop.

    Args:
        width (int): Width of the final picture in pixels.
        height (int): Height of the final picture in pixels.
        scale (int): Supersampling factor.
    """

    PROP = 255

    def __init__(self, width: int, height: int, scale: int = 3) -> None:
        self.width, self.height, self.scale = width, height, scale
        shape = (height * scale, width * scale)
        self.colors = np.zeros((*shape, 3), dtype=np.uint8)
        self.owners = np.zeros(shape, dtype=np.uint8)
        self.owner = 0
        self._drawn = [0] * 256
        self._before = 0

    def begin(self, owner: int) -> None:
        """Set the owner of the following shapes."""
        self.end()
        self.owner = owner
        self._before = self._count(owner)

    def end(self) -> None:
        """Count the pixels drawn for the current owner."""
        gained = self._count(self.owner) - self._before
        self._drawn[self.owner] += max(gained, 0)
        self.owner = 0
        self._before = self._count(0)

    def visible_fraction(self, owner: int) -> float:
        """Return the share of an owner's drawn pixels still visible."""
        return self._count(owner) / max(self._drawn[owner], 1)

    def box(self, owner: int) -> list[float] | None:
        """Return the (x1, y1, x2, y2) box of visible pixels."""
        mask = self.owners == owner
        xs = np.flatnonzero(mask.any(axis=0))
        ys = np.flatnonzero(mask.any(axis=1))
        if xs.size == 0:
            return None
        edges = (xs[0], ys[0], xs[-1] + 1, ys[-1] + 1)
        return [float(edge) / self.scale for edge in edges]

    def area(self, owner: int) -> float:
        """Return the visible area in final pixels."""
        return self._count(owner) / self.scale**2

    def picture(self) -> np.ndarray:
        """Return the final (height, width, 3) uint8 RGB image."""
        return cv2.resize(
            self.colors,
            (self.width, self.height),
            interpolation=cv2.INTER_AREA,
        )

    def polygon(
        self, points: Sequence[Point], color: Color, edge: float = 0.6
    ) -> None:
        """Fill a polygon with an outline of width ``edge``."""
        corners = [self._fixed(points)]
        cv2.fillPoly(self.colors, corners, color, cv2.LINE_8, _SHIFT)
        if edge:
            cv2.polylines(
                self.colors,
                corners,
                True,
                shade(color, 0.55),
                self._width(edge),
                cv2.LINE_8,
                _SHIFT,
            )
        if self.owner:
            cv2.fillPoly(self.owners, corners, self.owner, cv2.LINE_8, _SHIFT)

    def rectangle(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        color: Color,
        edge: float = 0.0,
    ) -> None:
        """Fill an upright rectangle."""
        self.polygon([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], color, edge)

    def ellipse(
        self, center: Point, axes: Point, color: Color, edge: float = 0.6
    ) -> None:
        """Fill an upright ellipse of the given half axes."""
        circle = _CIRCLES[0 if max(axes) < 8 else 1]
        self.polygon(circle * axes + center, color, edge)

    def limb(
        self,
        points: Sequence[Point],
        width: float,
        color: Color,
        edge: float = 0.6,
    ) -> None:
        """Draw a chain of round-ended bars of the given width."""
        chain = [self._fixed(points)]
        if edge:
            cv2.polylines(
                self.colors,
                chain,
                False,
                shade(color, 0.55),
                self._width(width + 2 * edge),
                cv2.LINE_8,
                _SHIFT,
            )
        cv2.polylines(
            self.colors,
            chain,
            False,
            color,
            self._width(width),
            cv2.LINE_8,
            _SHIFT,
        )
        if self.owner:
            cv2.polylines(
                self.owners,
                chain,
                False,
                self.owner,
                self._width(width),
                cv2.LINE_8,
                _SHIFT,
            )

    def ring(
        self, center: Point, radius: float, width: float, color: Color
    ) -> None:
        """Draw a ring, such as a wheel."""
        points = _CIRCLES[1] * radius + center
        self.limb(np.concatenate([points, points[:1]]), width, color, 0.0)

    def _fixed(self, points: Sequence[Point]) -> np.ndarray:
        factor = self.scale * (1 << _SHIFT)
        # cv2's pixel centers are integers, ours are halves.
        fixed = np.asarray(points, dtype=np.float64) * factor
        fixed -= (1 << _SHIFT) / 2
        return np.round(fixed).astype(np.int32).reshape(-1, 1, 2)

    def _width(self, width: float) -> int:
        return max(1, int(round(width * self.scale)))

    def _count(self, owner: int) -> int:
        return int(np.count_nonzero(self.owners == owner))
