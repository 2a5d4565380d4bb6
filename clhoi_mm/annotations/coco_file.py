"""Reader of COCO detection files, reduced to what pairs need."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Collection, Dict, List, NoReturn, Optional, Sequence

from clhoi_mm.utils.keys import normalize_key
from clhoi_mm.vocabulary import HOIVocabulary

from .image_sizes import read_image_sizes
from .text_file import PathLike, read_json
from .values import Id, read_id, read_number

_ANNOTATION = ('id', 'image_id', 'category_id', 'bbox')
_FOLDER = re.compile(r'COCO_([a-z]+\d{4})_')


def relative_name(file_name: str) -> str:
    """Prepend COCO's folder to a name: 'val2014/COCO_val2014_...jpg'.

    Args:
        file_name (str): Name as in COCO. One that does not contain the
            folder, as COCO's names of 2017, is returned unchanged.
    """
    match = _FOLDER.match(file_name)
    return f'{match.group(1)}/{file_name}' if match else file_name


class COCOFile:
    """Images, boxes and categories of one or several COCO files.

    Numbers may be strings, paths may have backslashes. Other fields are
    dropped while the JSON is parsed, so that ``instances_train2014.json``
    (0.4 GB) needs little memory.

    Args:
        paths (Sequence[str | PathLike]): Files, such as
            ``instances_train2014.json`` and ``instances_val2014.json``.
        image_ids (Collection[int], optional): Keep these images only.
            Defaults to None, all.

    Attributes:
        images (Dict[int | str, dict]): By id, in the files' order: ``id``,
            ``file_name``, ``width`` and ``height``, None where unknown.
        annotations (Dict[int | str, List[dict]]): By image id, in the files'
            order; with ``area`` and ``iscrowd``.
        categories (Dict[int | str, str]): Names by id, without those that
            only group others (Roboflow's first row) and have no box.
        notes (List[str]): Messages about what was left out.

    Raises:
        ValueError: If a record lacks a field, an id or a file name occurs
            twice, or a box is invalid; the message names file and record.
    """

    def __init__(
        self,
        paths: Sequence[PathLike],
        image_ids: Optional[Collection[int]] = None,
    ) -> None:
        self.images: Dict[Id, dict] = {}
        self.annotations: Dict[Id, List[dict]] = defaultdict(list)
        self.categories: Dict[Id, str] = {}
        self.notes: List[str] = []
        self._paths = [Path(path) for path in paths]
        self._wanted = None if image_ids is None else set(image_ids)
        self._ann_ids: set = set()
        self._named: Dict[str, Id] = {}
        self._supercategories: Dict[Id, str] = {}
        for path in self._paths:
            self._read(path)
        self._leave_out_groups()

    def labels(self, vocabulary: HOIVocabulary) -> Dict[Id, int]:
        """Map ids of categories with boxes to object labels.

        Raises:
            ValueError: If a category is no object of the vocabulary.
        """
        labels = {}
        for number, name in self.categories.items():
            if number not in self._used:
                continue
            labels[number] = vocabulary.object_label(name)
            if labels[number] < 0:
                raise ValueError(
                    f'{self._paths[0]}: category {number}, {name!r}, is no '
                    f'object of the vocabulary {vocabulary.name!r}; rename '
                    'it, or give a vocabulary that has it.'
                )
        return labels

    def require_sizes(
        self,
        folder: Optional[PathLike] = None,
        progress: bool = False,
        remedy: str = 'give a file that has them',
    ) -> int:
        """Ensure that each image has a size.

        Args:
            folder (str | PathLike, optional): Folder of the images, to read
                missing sizes from them and to check the others.
            progress (bool): Whether to show a progress bar.
            remedy (str): Advice for missing sizes without a
                folder.

        Returns:
            int: Number of sizes that were read.

        Raises:
            FileNotFoundError: If an image is missing.
            ValueError: If a size is missing and no folder is given, or a size
                is not that of the image.
        """
        unknown = [
            image
            for image in self.images.values()
            if None in (image['width'], image['height'])
        ]
        if folder is None:
            for image in unknown[:1]:
                self._fail(
                    self._paths[0],
                    'images',
                    image,
                    f'no width or height ({len(unknown)} of '
                    f'{len(self.images)} images); {remedy}',
                )
            return 0
        names = [image['file_name'] for image in self.images.values()]
        sizes = read_image_sizes(folder, names, progress)
        for image, (width, height) in zip(self.images.values(), sizes):
            for key, size in (('width', width), ('height', height)):
                if image[key] not in (None, size):
                    self._fail(
                        self._paths[0],
                        'images',
                        image,
                        f'{key} {image[key]}, but {image["file_name"]} is '
                        f'{width} x {height} pixels as it is stored; boxes '
                        'are needed on the stored pixels, whatever the EXIF '
                        'orientation says. Correct the size, or export the '
                        'annotations of the images as they are',
                    )
            image['width'], image['height'] = width, height
        return len(unknown)

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
        for section in sections:
            # Images and annotations that are not wanted were reduced to None.
            kinds = dict if section == 'categories' else (dict, type(None))
            for i, record in enumerate(content[section]):
                if not isinstance(record, kinds):
                    raise ValueError(
                        f'{path}: {section}, record at {i}: {record!r} is no '
                        'object with an id.'
                    )
        for record in content['categories']:
            self._read_category(path, record)
        for record in filter(None, content['images']):
            self._read_image(path, record)
        for record in filter(None, content['annotations']):
            self._read_annotation(path, record)

    def _reduce(self, record: dict) -> Optional[dict]:
        """Keep the required fields of a JSON object."""
        if 'bbox' in record:
            keys = (*_ANNOTATION, 'area', 'iscrowd')
            image_id = record.get('image_id')
        elif 'file_name' in record and 'id' in record:
            keys = ('id', 'file_name', 'width', 'height')
            image_id = record['id']
        else:
            return record if 'counts' not in record else None
        if self._wanted is not None and read_id(image_id) not in self._wanted:
            return None
        return {key: record[key] for key in keys if key in record}

    def _read_category(self, path: Path, record: dict) -> None:
        number = self._id(path, 'categories', record, 'id')
        name = record.get('name')
        if not isinstance(name, str) or not name.strip():
            self._fail(path, 'categories', record, f'{name!r} is no name')
        old_name = self.categories.setdefault(number, name)
        if old_name != name:
            raise ValueError(
                f'{path}: category {number} is {name!r}, and {old_name!r} '
                'before.'
            )
        group = record.get('supercategory')
        self._supercategories[number] = group if isinstance(group, str) else ''

    def _read_image(self, path: Path, record: dict) -> None:
        number = self._id(path, 'images', record, 'id')
        name = record.get('file_name')
        if not isinstance(name, str) or not name.strip():
            self._fail(path, 'images', record, f'no file_name, but {name!r}')
        name = normalize_key(name)
        if number in self.images:
            self._fail(path, 'images', record, 'the id occurs twice')
        first = self._named.setdefault(name, number)
        if first != number:
            self._fail(
                path,
                'images',
                record,
                f'file_name {name!r} is that of image {first!r} as well; '
                'write paths that tell them apart, or leave one record out',
            )
        image = dict(id=number, file_name=name)
        for key in ('width', 'height'):
            value = record.get(key)
            size = read_number(value)
            # Some exports write 0 for an unknown size.
            if size is None and value not in (None, '') or (size or 0) < 0:
                self._fail(
                    path, 'images', record, f'{key} {value!r} is no size'
                )
            image[key] = int(size) if size else None
        self.images[number] = image

    def _read_annotation(self, path: Path, record: dict) -> None:
        def fail(reason: str) -> NoReturn:
            self._fail(path, 'annotations', record, reason)

        missing = [key for key in _ANNOTATION if key not in record]
        if missing:
            fail(f'no {", ".join(missing)}')
        ids = {
            key: self._id(path, 'annotations', record, key)
            for key in ('id', 'image_id', 'category_id')
        }
        if ids['id'] in self._ann_ids:
            fail('the id occurs twice')
        if ids['image_id'] not in self.images:
            fail(f'no image {record["image_id"]!r}; list it under images')
        if ids['category_id'] not in self.categories:
            fail(f'no category {record["category_id"]!r}; list it')
        bbox = record['bbox']
        numbers = [read_number(x) for x in bbox] if _is_list(bbox) else []
        if len(numbers) != 4 or None in numbers or min(numbers[2:]) < 0:
            fail(
                f'bbox {bbox!r} is no [x, y, w, h]; write four numbers, w and '
                'h not negative'
            )
        bbox = [x if isinstance(y, str) else y for x, y in zip(numbers, bbox)]
        area = record.get('area')
        if isinstance(area, str) or read_number(area) is None:
            area = read_number(area)
        self._ann_ids.add(ids['id'])
        self.annotations[ids['image_id']].append(
            dict(
                ids,
                bbox=bbox,
                area=bbox[2] * bbox[3] if area is None else area,
                iscrowd=int(bool(read_number(record.get('iscrowd')))),
            )
        )

    def _leave_out_groups(self) -> None:
        """Drop categories without a box that only group others."""
        self._used = {
            ann['category_id']
            for anns in self.annotations.values()
            for ann in anns
        }
        for number, name in list(self.categories.items()):
            others = {
                group
                for other, group in self._supercategories.items()
                if other != number
            }
            if number not in self._used and name in others:
                del self.categories[number]
                self.notes.append(
                    f'category {number}, {name!r}, has no box and only groups '
                    'others; left out'
                )

    def _id(self, path: Path, section: str, record: dict, key: str) -> Id:
        value = read_id(record.get(key))
        if value is None:
            self._fail(
                path,
                section,
                record,
                f'{key} {record.get(key)!r} is no id, which is a number or a '
                'string',
            )
        return value

    @staticmethod
    def _fail(path: Path, section: str, record: dict, reason: str) -> NoReturn:
        raise ValueError(
            f'{path}: {section}, record '
            f'{record.get("id", record)!r}: {reason}.'
        )


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))
