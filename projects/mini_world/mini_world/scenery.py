from dataclasses import dataclass

from .canvas import Colour
from .dice import Dice

# colours of goods, pictures, flags and spectators
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
        dice (Dice): Source of chance.
        far (tuple): Colour of sky or wall.
        near (tuple): Colour of what stands at the back.
        ground (tuple): Colour of the ground.
        accent (tuple): Colour of lines and trimmings.
    """

    dice: Dice
    far: Colour
    near: Colour
    ground: Colour
    accent: Colour
