from collections import Counter
from typing import Any, Sequence


def check_images(img_ids: Sequence[Any], name: str) -> None:
    """Refuses to score nothing, or an image twice.

    Args:
        img_ids (Sequence): Ids of the images.
        name (str): The metric, for the message.

    Raises:
        ValueError: There are no images, or one was scored twice.
    """
    if not img_ids:
        raise ValueError(f'{name} got no images; is the data set empty?')
    img_id, times = Counter(img_ids).most_common(1)[0]
    if times > 1:
        raise ValueError(
            f'{name} got image {img_id} {times} times; img_id '
            'must be unique in a data set.'
        )
