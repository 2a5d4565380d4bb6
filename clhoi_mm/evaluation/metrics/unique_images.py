from collections import Counter
from typing import Any, Sequence

from clhoi_mm.utils.errors import InputError


def check_images(img_ids: Sequence[Any], name: str) -> None:
    """Refuses to score nothing, or an image twice.

    Args:
        img_ids (Sequence): Ids of the images.
        name (str): The metric, for the message.

    Raises:
        InputError: There are no images, or one was scored twice.
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
