from collections import Counter
from typing import Any, Sequence

from clhoi_mm.utils.errors import InputError


def check_images(img_ids: Sequence[Any], name: str) -> None:
    """Check that there are images, each once.

    Args:
        img_ids (Sequence): Ids of the images.
        name (str): Name of the metric, for error messages.

    Raises:
        InputError: If there are no images, or an id occurs twice.
    """
    if not img_ids:
        raise InputError(f'{name} got no images; is the data set empty?')
    img_id, times = Counter(img_ids).most_common(1)[0]
    if times > 1:
        raise InputError(
            f'{name} got image {img_id} {times} times; img_id must be unique '
            'in a data set. Data sets whose ids collide are tested one by '
            'one, not concatenated.'
        )
