from dataclasses import dataclass

from .canvas import Color
from .dice import Dice

# Colors of goods, pictures, flags and spectators.
GOODS = (
    (214, 92, 82),
    (240, 190, 72),
    (98, 160, 110),
    (88, 128, 190),
    (170, 110, 170),
    (236, 140, 90),
    (120, 190, 200),
    (240, 232, 214),
)


@dataclass
class Scenery:
    """Properties of a scene for its painter.

    Args:
        dice (Dice): Random number generator.
        far (tuple): Color of sky or wall.
        near (tuple): Color of buildings or furniture.
        ground (tuple): Color of the ground.
        accent (tuple): Color of lines and ornaments.
    """

    dice: Dice
    far: Color
    near: Color
    ground: Color
    accent: Color
