"""Video of the mini world with known positions of persons."""

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Optional, Sequence

import cv2
import numpy as np
from mini_world.canvas import Canvas
from mini_world.dice import Dice
from mini_world.group import Group, Spot
from mini_world.riding import leash, mount
from mini_world.scenes import Scene

WIDTH, HEIGHT, RATE = 224, 160, 10.0


@dataclass
class Actor:
    """Person with an object, moving along the ground line.

    Args:
        stage (Callable): A builder of groups, such as ``mount``.
        kind (str): The object class.
        seed (int): Seed of the appearance.
        ground (float): Vertical position of the ground line in pixels.
        start (float): Horizontal position in frame 0.
        speed (float): Pixels per frame; the sign is the facing direction.
    """

    stage: Callable[[Spot, str], Group]
    kind: str
    seed: int
    ground: float
    start: float
    speed: float

    def group(self, frame: int) -> Group:
        return self.stage(
            Spot(
                self.start + frame * self.speed,
                self.ground,
                76.0,
                1 if self.speed > 0 else -1,
                'street',
                Dice(self.seed),
            ),
            self.kind,
        )


# The first rider leaves on the left by frame 14; a person with a dog on a
# leash stays at the right; another rider enters from the left in frame 17.
CAST = (
    Actor(mount, 'bicycle', 4, 112.0, 90.0, -10.0),
    Actor(leash, 'dog', 3, 150.0, 150.0, 0.5),
    Actor(mount, 'bicycle', 6, 112.0, -190.0, 10.0),
)


def draw_film(
    num_frames: int, cast: Sequence[Actor] = CAST
) -> List[np.ndarray]:
    """Draw the frames as BGR images."""
    canvas = Canvas(WIDTH, HEIGHT)
    Scene('street', 'train', Dice(3)).draw(canvas)
    street = canvas.colors.copy()
    frames = []
    for number in range(num_frames):
        canvas.colors[:] = street
        for actor in cast:
            for _, draw in actor.group(number).steps:
                draw(canvas)
        frames.append(np.ascontiguousarray(canvas.picture()[..., ::-1]))
    return frames


def write_film(
    path: Path,
    frames: Sequence[np.ndarray],
    rate: float = RATE,
    codec: Optional[str] = 'MJPG',
) -> Path:
    """Write frames as a video."""
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*codec), rate, (width, height)
    )
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path
