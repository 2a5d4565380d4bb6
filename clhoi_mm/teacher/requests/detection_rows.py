"""Rows of the files of detected objects."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

import numpy as np

from clhoi_mm.annotations.text_file import (
    parse_json,
    read_bytes,
    refuse_binary,
)
from clhoi_mm.utils.keys import normalize_key

from .coco_images import read_image_keys, read_list

Box = Tuple[float, float, float, float]


class Detection(NamedTuple):
    """Name, score and, where the file has it, box of a detection.

    The box is xyxy in pixels of the original image.
    """

    name: str
    score: float
    box: Optional[Box] = None


class DetectionRow(NamedTuple):
    """Detections of an image, and its width and height where known."""

    image_id: str
    objects: List[Detection]
    size: Optional[Tuple[int, int]] = None


_EXPECTED = 'a COCO file with images, annotations and categories'


def read_detection_rows(
    path: Path, rejected: List[str]
) -> Iterable[DetectionRow]:
    """Read a file of detected objects image by image.

    Args:
        path (Path): JSONL, COCO (.json) or cached detections (.safetensors).
        rejected (List[str]): Gets a sentence for each line of JSONL that
            cannot be read.

    Returns:
        Iterable[DetectionRow]: One for each record.

    Raises:
        ValueError: A field of the others cannot be read; the message names
            it.
    """
    readers = {'.json': _read_coco, '.safetensors': _read_cached}
    if path.suffix in readers:
        return readers[path.suffix](path)
    return _read_lines(path, rejected)


def _read_lines(path: Path, rejected: List[str]) -> Iterable[DetectionRow]:
    with open(path, 'rb') as file:
        refuse_binary(file.read(8), path, 'save it as JSONL, one image a line')
        file.seek(0)
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield _read_line(line)
            except ValueError as error:
                rejected.append(
                    f'{path}, line {number}: {error}; '
                    '{"image_id": ..., "objects": [...]} is expected'
                )


def _read_line(line: bytes) -> DetectionRow:
    try:
        # Some editors begin a file with a mark.
        row = json.loads(line.decode('utf-8-sig'))
    except UnicodeDecodeError:
        raise ValueError('no UTF-8 text') from None
    except (ValueError, RecursionError):
        raise ValueError('no JSON') from None
    if not isinstance(row, dict):
        raise ValueError('no object')
    image_id = normalize_key(row.get('image_id'))
    if isinstance(image_id, bool) or not isinstance(image_id, (str, int)):
        raise ValueError('no field "image_id" that names an image')
    objects = row.get('objects')
    if isinstance(objects, str):
        objects = [x.strip() for x in objects.split(',') if x.strip()]
    if not isinstance(objects, list):
        raise ValueError('no field "objects" that is a list')
    return DetectionRow(
        image_id, [_read_object(item) for item in objects], _read_size(row)
    )


def _read_size(row: Dict[str, Any]) -> Optional[Tuple[int, int]]:
    """Read width and height; None without them."""
    size = row.get('width'), row.get('height')
    is_size = all(isinstance(x, int) and x > 0 for x in size)
    return size if is_size else None


def _read_box(box: Any) -> Optional[Box]:
    """Read four numbers; None for anything else, as only a stage needs it."""
    try:
        x1, y1, x2, y2 = map(float, box)
    except (TypeError, ValueError):
        return None
    return (x1, y1, x2, y2) if np.isfinite([x1, y1, x2, y2]).all() else None


def _read_object(item: Any) -> Detection:
    if isinstance(item, str):
        return Detection(item, 1.0)
    if not isinstance(item, dict):
        raise ValueError(
            f'field "objects" holds {item!r}, which is neither a name nor an '
            f'object with "name" and "score"'
        )
    name = item.get('name')
    if not isinstance(name, str):
        raise ValueError('field "objects" holds an object without "name"')
    return Detection(name, _read_score(item), _read_box(item.get('bbox')))


def _read_score(item: Dict[str, Any]) -> float:
    try:
        return float(item.get('score', 1))
    except (TypeError, ValueError):
        raise ValueError(
            f'field "score" is {item["score"]!r}, which is no number'
        ) from None


def _read_coco(path: Path) -> Iterable[DetectionRow]:
    data = read_bytes(path)
    refuse_binary(data, path, 'save it as JSON')
    content = parse_json(data, path)
    keys = read_image_keys(content, path, _EXPECTED)
    categories = read_list(content, 'categories', path, _EXPECTED)
    annotations = read_list(content, 'annotations', path, _EXPECTED)
    try:
        names = {category['id']: category['name'] for category in categories}
    except (KeyError, TypeError):
        raise ValueError(
            f'{path}: a category has no field "id" or "name"'
        ) from None
    objects: Dict[Any, List[Detection]] = defaultdict(list)
    for number, row in enumerate(annotations):
        where = f'{path}, annotation {number}'
        if not isinstance(row, dict):
            raise ValueError(f'{where}: no object')
        image_id, category = row.get('image_id'), row.get('category_id')
        if not isinstance(image_id, (int, str)):
            raise ValueError(f'{where}: no field "image_id" that is a number')
        if not isinstance(category, (int, str)) or category not in names:
            raise ValueError(
                f'{where}: no field "category_id" that is among its categories'
            )
        try:
            score = _read_score(row)
        except ValueError as error:
            raise ValueError(f'{where}: {error}') from None
        box = _read_box(row.get('bbox'))
        if box is not None:
            x, y, width, height = box
            box = x, y, x + width, y + height
        objects[image_id].append(Detection(names[category], score, box))
    sizes = {image['id']: _read_size(image) for image in content['images']}
    return [
        DetectionRow(key, objects[image_id], sizes.get(image_id))
        for image_id, key in keys.items()
    ]


def _read_cached(path: Path) -> Iterable[DetectionRow]:
    from safetensors import SafetensorError, safe_open

    names = (
        'key_bytes',
        'key_offsets',
        'flipped',
        'offsets',
        'labels',
        'scores',
        'bboxes',
        'shapes',
        'scale_factors',
    )
    try:
        file = safe_open(path, 'numpy')
        classes = json.loads(file.metadata()['classes'])
        tensors = [file.get_tensor(name) for name in names]
        text, keys, flipped, offsets, labels, scores = tensors[:6]
        boxes, shapes, scales = tensors[6:]
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path}: no readable file of detections ({error}); write it '
            f'again with tools/analysis_tools/cache_detections.py'
        ) from error
    text = text.tobytes()
    for row in range(len(flipped)):
        if flipped[row]:
            continue  # the same image again, mirrored
        part = slice(offsets[row], offsets[row + 1])
        height, width = shapes[row, 0].tolist()
        original = (boxes[part] / np.tile(scales[row], 2)).tolist()
        yield DetectionRow(
            text[keys[row] : keys[row + 1]].decode(),
            [
                Detection(classes[label], float(score), tuple(box))
                for label, score, box in zip(
                    labels[part], scores[part], original
                )
            ],
            (width, height),
        )
