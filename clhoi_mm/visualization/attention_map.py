"""Overlay of an attention map on an image."""

import matplotlib
import numpy as np
from PIL import Image

# Remaining brightness of the image where the map is zero.
DIMMED = 0.55


def heat_map(image: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Blend a map over a gray image.

    Args:
        image (np.ndarray): RGB, (H, W, 3) uint8.
        strength (np.ndarray): Non-negative map, (h, w); its maximum is
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
    gray = DIMMED * image.mean(axis=2, keepdims=True) / 255
    colors = matplotlib.colormaps['inferno'](strength[..., 0])[..., :3]
    # Low values show the image.
    share = 0.9 * strength**0.7
    mixed = (1 - share) * gray + share * colors
    return (255 * mixed).round().astype(np.uint8)
