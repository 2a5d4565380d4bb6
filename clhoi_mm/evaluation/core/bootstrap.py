"""Bootstrap confidence intervals over images."""

from typing import Callable

import numpy as np


def bootstrap_interval(
    means: Callable[[np.ndarray], np.ndarray],
    num_images: int,
    resamples: int,
    share: float = 0.95,
    seed: int = 0,
) -> np.ndarray:
    """Estimate confidence intervals of metrics by redrawing the images.

    As many images as there are are drawn with replacement; an image that is
    drawn twice counts twice. Draws lack images of rare classes and repeat
    others, which biases their metrics upward: the interval is shifted by the
    bias of the draws' mean.

    Args:
        means (Callable): From the multiplicity of each image, (I,) int, to
            the metrics, (M,).
        num_images (int): Number of images I.
        resamples (int): Number of draws.
        share (float): Confidence level, the fraction of draws within the
            interval.
        seed (int): Seed of the draws.

    Returns:
        np.ndarray: Lower and upper ends, (2, M).
    """
    rng = np.random.default_rng(seed)
    draws = [
        means(
            np.bincount(
                rng.integers(num_images, size=num_images),
                minlength=num_images,
            )
        )
        for _ in range(resamples)
    ]
    once = means(np.ones(num_images, np.int64))
    return once + np.nanquantile(
        draws - np.nanmean(draws, axis=0),
        [(1 - share) / 2, (1 + share) / 2],
        axis=0,
    )
