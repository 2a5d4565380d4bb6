"""A COCO detection file, reduced to what pairs need."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Collection, Dict, List, Optional, Sequence

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

from .text_file import PathLike, read_json

_IMAGE = ('id', 'file_name', 'width', 'height')
_ANNOTATION = ('id', 'image_id', 'category_id', 'bbox')
_FOLDER = re.compile(r'COCO_([a-z]+\d{4})_')


def relative_name(file_name: str) -> str:
    """Puts COCO's folder before a name: 'val2014/COCO_val2014_...jpg'.

    Args:
        file_name (str): As COCO has it. One that says no folder, as COCO's
            names of 2017 do, stays as it is.
    """
    match = _FOLDER.match(file_name)
    return f'{match.group(1)}/{file_name}' if match else file_name


class COCOFile:
    """Images, boxes and categories of one or several COCO files.

    Everything else is dropped while the JSON is parsed, so that
    ``instances_train2014.json`` (0.4 GB) stays small.

    Args:
        paths (Sequence[str | PathLike]): Files, such as
            ``instances_train2014.json`` and ``instances_val2014.json``.
        image_ids (Collection[int], optional): Keep these images only.
            Defaults to None, all.

    Attributes:
        images (Dict[int, dict]): By id, in the files' order.
        annotations (Dict[int, List[dict]]): By image id, in the files' order;
            with ``area`` and ``iscrowd``.
        categories (Dict[int, str]): Names by id.

    Raises:
        ValueError: A record lacks a field, an id occurs twice, or a box is
            no box; the message names the file and the record.
    """

    def __init__(
        self,
        paths: Sequence[PathLike],
        image_ids: Optional[Collection[int]] = None,
    ) -> None:
        self.images: Dict[int, dict] = {}
        self.annotations: Dict[int, List[dict]] = defaultdict(list)
        self.categories: Dict[int, str] = {}
        self._ann_ids: set = set()
        self._wanted = None if image_ids is None else set(image_ids)
        for path in paths:
            self._read(Path(path))

    def labels(self, vocabulary: HOIVocabulary) -> Dict[int, int]:
        """Object labels by category id.

        Raises:
            ValueError: A category is no object of the vocabulary.
        """
        labels = {}
        for number, name in self.categories.items():
            labels[number] = vocabulary.object_label(name)
            if labels[number] < 0:
                raise ValueError(
                    f'category {number}, {name!r}, is no object '
                    f'of the vocabulary {vocabulary.name!r}.'
                )
        return labels

    def _read(self, path: Path) -> None:
        content = read_json(path, self._reduce)
        sections = ('images', 'annotations', 'categories')
        if not isinstance(content, dict) or not all(
            isinstance(content.get(key), list) for key in sections
        ):
            raise ValueError(
                f'{path}: no COCO detection file, which has the '
                f'lists {", ".join(sections)}.'
            )
        for record in content['categories']:
            self._require(path, 'categories', record, ('id', 'name'))
            name = self.categories.setdefault(record['id'], record['name'])
            if name != record['name']:
                raise ValueError(
                    f'{path}: category {record["id"]} is '
                    f'{record["name"]!r}, and {name!r} before.'
                )
        for record in filter(None, content['images']):
            self._require(path, 'images', record, _IMAGE)
            if record['id'] in self.images:
                self._fail(path, 'images', record, 'the id occurs twice')
            self.images[record['id']] = record
        for record in filter(None, content['annotations']):
            self._check_annotation(path, record)
            self._ann_ids.add(record['id'])
            self.annotations[record['image_id']].append(record)

    def _reduce(self, record: dict) -> Optional[dict]:
        """What stays of an object of the JSON."""
        if 'bbox' in record:
            if self._wanted is None or record.get('image_id') in self._wanted:
                return {
                    key: record[key]
                    for key in (*_ANNOTATION, 'area', 'iscrowd')
                    if key in record
                }
            return None
        if 'file_name' in record and 'id' in record:
            if self._wanted is None or record['id'] in self._wanted:
                return {key: record[key] for key in _IMAGE if key in record}
            return None
        return record if 'counts' not in record else None

    def _check_annotation(self, path: Path, record: dict) -> None:
        self._require(path, 'annotations', record, _ANNOTATION)
        bbox = record['bbox']
        if record['id'] in self._ann_ids:
            self._fail(path, 'annotations', record, 'the id occurs twice')
        if record['image_id'] not in self.images:
            self._fail(
                path, 'annotations', record, f'no image {record["image_id"]!r}'
            )
        if record['category_id'] not in self.categories:
            self._fail(
                path,
                'annotations',
                record,
                f'no category {record["category_id"]!r}',
            )
        if (
            not isinstance(bbox, list)
            or len(bbox) != 4
            or not np.isfinite(np.array(bbox, float)).all()
            or min(bbox[2:]) < 0
        ):
            self._fail(
                path,
                'annotations',
                record,
                f'bbox {bbox!r} is no [x, y, w, h]',
            )
        record.setdefault('area', bbox[2] * bbox[3])
        record.setdefault('iscrowd', 0)

    def _require(
        self, path: Path, section: str, record: Any, fields: Sequence[str]
    ) -> None:
        missing = [key for key in fields if key not in record]
        if missing:
            self._fail(path, section, record, f'no {", ".join(missing)}')

    @staticmethod
    def _fail(path: Path, section: str, record: dict, reason: str) -> None:
        raise ValueError(
            f'{path}: {section}, record '
            f'{record.get("id", record)!r}: {reason}.'
        )
