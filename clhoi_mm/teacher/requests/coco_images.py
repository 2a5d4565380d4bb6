"""Images of a COCO file by id."""

import os
from typing import Any, Dict, List, Union

from clhoi_mm.utils.keys import normalize_key


def read_list(
    content: Any, field: str, path: Union[str, os.PathLike], expected: str
) -> List[Any]:
    """Read a list of a COCO file.

    Args:
        content (Any): The file's content.
        field (str): Name of the list.
        path (str | PathLike): The file, for messages.
        expected (str): Description of the expected file, for messages.

    Raises:
        ValueError: There is no such list.
    """
    value = content.get(field) if isinstance(content, dict) else None
    if not isinstance(value, list):
        raise ValueError(
            f'{path}: a list "{field}" is missing; {expected} is expected'
        )
    return value


def read_image_keys(
    content: Any, path: Union[str, os.PathLike], expected: str
) -> Dict[Union[int, str], str]:
    """Read the keys of a COCO file's images.

    Args:
        content (Any): The file's content.
        path (str | PathLike): The file, for messages.
        expected (str): Description of the expected file, for messages.

    Returns:
        Dict[int | str, str]: Keys by id, in the file's order.

    Raises:
        ValueError: An image lacks its id or file name, or an id stands for
            two files.
    """
    keys: Dict[Union[int, str], str] = {}
    images = read_list(content, 'images', path, expected)
    for number, image in enumerate(images):
        where = f'{path}, image {number}'
        if not isinstance(image, dict):
            raise ValueError(f'{where}: no object with "id" and "file_name"')
        image_id = image.get('id')
        if not isinstance(image_id, (int, str)):
            raise ValueError(f'{where}: no field "id" that is a number')
        name = image.get('key') or image.get('file_name')
        if not isinstance(name, str):
            raise ValueError(f'{where}: no field "file_name" that is a text')
        name = normalize_key(name)
        known = keys.setdefault(image_id, name)
        if known != name:
            raise ValueError(
                f'{where}: the id {image_id!r} of "{name}" is that of '
                f'"{known}" already; give each file its own id'
            )
    return keys
