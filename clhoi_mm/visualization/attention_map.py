"""Where something is strong, over an image."""

import matplotlib
import numpy as np
from PIL import Image

# The part of the image's own light that remains where nothing is strong.
DIMMED = 0.55


def heat_map(image: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Lays a map of strengths over an image in grey.

    Args:
        image (np.ndarray): RGB, (H, W, 3) uint8.
        strength (np.ndarray): Not negative, (h, w); the strongest place is
            brightest.

    Returns:
        np.ndarray: RGB, (H, W, 3) uint8.
    """
    height, width = image.shape[:2]
    strength = np.asarray(
        Image.fromarray(
            (strength / max(strength.max(), 1e-12)).astype(np.float32)
        ).resize((width, height), Image.Resampling.BICUBIC)
    )
    strength = strength.clip(0, 1)[..., None]
    grey = DIMMED * image.mean(axis=2, keepdims=True) / 255
    colours = matplotlib.colormaps['inferno'](strength[..., 0])[..., :3]
    # Places of little strength show the image.
    share = 0.9 * strength**0.7
    mixed = (1 - share) * grey + share * colours
    return (255 * mixed).round().astype(np.uint8)
