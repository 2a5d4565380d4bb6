"""Rows of the files of detected objects."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, Iterable, List, Tuple

from clhoi_mm.annotations.text_file import (
    parse_json,
    read_bytes,
    refuse_binary,
)
from clhoi_mm.utils.keys import normalize_key

from .coco_images import read_image_keys, read_list

# Image id, and name and score of each detection.
DetectionRow = Tuple[str, List[Tuple[str, float]]]
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
    return image_id, [_read_object(item) for item in objects]


def _read_object(item: Any) -> Tuple[str, float]:
    if isinstance(item, str):
        return item, 1.0
    if not isinstance(item, dict):
        raise ValueError(
            f'field "objects" holds {item!r}, which is neither a name nor an '
            f'object with "name" and "score"'
        )
    name = item.get('name')
    if not isinstance(name, str):
        raise ValueError('field "objects" holds an object without "name"')
    return name, _read_score(item)


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
    objects: Dict[Any, List[Tuple[str, float]]] = defaultdict(list)
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
        objects[image_id].append((names[category], score))
    return [(key, objects[image_id]) for image_id, key in keys.items()]


def _read_cached(path: Path) -> Iterable[DetectionRow]:
    from safetensors import SafetensorError, safe_open

    names = (
        'key_bytes',
        'key_offsets',
        'flipped',
        'offsets',
        'labels',
        'scores',
    )
    try:
        file = safe_open(path, 'numpy')
        classes = json.loads(file.metadata()['classes'])
        text, keys, flipped, offsets, labels, scores = (
            file.get_tensor(name) for name in names
        )
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
        yield (
            text[keys[row] : keys[row + 1]].decode(),
            [
                (classes[label], float(score))
                for label, score in zip(labels[part], scores[part])
            ],
        )
