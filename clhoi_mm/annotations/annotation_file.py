"""Validating reader of the annotation file."""

from functools import cached_property
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from clhoi_mm.utils.errors import InputError
from clhoi_mm.utils.keys import normalize_key
from clhoi_mm.vocabulary import HOIVocabulary

from .records import Records, is_id
from .text_file import PathLike, parse_json, read_bytes

# Sections and the required fields of their records; verbs are names.
REQUIRED: Dict[str, Tuple[str, ...]] = dict(
    images=('file_name',),
    annotations=('image_id', 'category_id', 'bbox'),
    categories=('name',),
    hoi_categories=('verb_id', 'category_id'),
    hois=('image_id', 'human_ann_id', 'object_ann_id', 'verb_id'),
)
SECTIONS = (
    'images',
    'annotations',
    'categories',
    'verbs',
    'hoi_categories',
    'hois',
)


class AnnotationFile:
    """A COCO detection file with ``verbs``, ``hoi_categories`` and ``hois``.

    ``clhoi_mm.datasets.HOIDataset`` describes the format. Ids are resolved to
    indices into the file's own lists and every reference is checked; nothing
    is dropped. I images, R boxes, O objects, V verbs, C classes, P rows of
    ``hois``.

    Args:
        content (dict): The parsed file.
        name (str): Name of the file, for error messages.

    Attributes:
        content (dict): The records as they are in the file.
        images (List[dict]): Image records, their ``file_name`` with '/'.
        image_ids (list): Ids in file order, I.
        keys (List[str]): ``key`` of each image, else its file name.
        sizes (np.ndarray): Widths and heights, (I, 2) float32; infinite where
            the file has none.
        objects (Tuple[str]): Names of ``categories``, O.
        verbs (Tuple[str]): Names, V.
        hoi_verbs (np.ndarray): Verb of each class, (C,) int64.
        hoi_objects (np.ndarray): Object of each class, (C,) int64.
        rare (np.ndarray | None): Rare classes, (C,) bool; None where no class
            has the flag.
        box_images (np.ndarray): Image of each box, (R,) int64.
        bboxes (np.ndarray): (R, 4) float32 xyxy.
        box_labels (np.ndarray): Object of each box, (R,) int64.
        iscrowd (np.ndarray): (R,) bool.
        hoi_labelled (np.ndarray): (R,) bool.
        pair_images (np.ndarray): Image of each row of ``hois``, (P,) int64.
        human_inds (np.ndarray): Box of each row's human, -1 without one, (P,)
            int64.
        object_inds (np.ndarray): Box of each row's object, -1 without one,
            (P,) int64.
        pair_verbs (np.ndarray): Verb of each row, (P,) int64.
        invisible (np.ndarray): Whether a row is invisible, (P,) bool.
        image_hois (np.ndarray): ``hoi_ids`` of the images, (L, 2) int64 rows
            of image and class.

    Raises:
        InputError: With the file, the record, its field and the remedy.
    """

    def __init__(self, content: Any, name: str) -> None:
        self.name = name
        self.content: Dict[str, list] = _check_sections(content, name)
        self._records = Records(self.content, name, REQUIRED)
        self._read_images()
        self._read_classes()
        self._read_annotations()
        self._read_hois()

    @classmethod
    def read(cls, path: PathLike) -> 'AnnotationFile':
        """Read a file.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: See the class.
        """
        try:
            data = read_bytes(path)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f'{path}: no such annotation file; write one with a converter '
                'in tools/dataset_converters'
            ) from error
        return cls.parse(data, str(path))

    @classmethod
    def parse(cls, data: bytes, name: str) -> 'AnnotationFile':
        """Parse a file's bytes; `name` is used in error messages."""
        return cls(parse_json(data, name), name)

    @cached_property
    def hoi_lookup(self) -> np.ndarray:
        """Classes by verb and object, -1 for none, (V, O)."""
        lookup = np.full((len(self.verbs), len(self.objects)), -1)
        lookup[self.hoi_verbs, self.hoi_objects] = np.arange(
            len(self.hoi_verbs)
        )
        return lookup

    @cached_property
    def num_repeated_pairs(self) -> int:
        """Number of ``hois`` rows that repeat an earlier row."""
        rows = np.stack([self.human_inds, self.object_inds, self.pair_verbs])
        rows = rows[:, self.human_inds >= 0]
        return rows.shape[1] - np.unique(rows, axis=1).shape[1]

    @property
    def hoi_names(self) -> List[str]:
        """Names of the classes, such as 'ride bicycle'."""
        return [
            f'{self.verbs[verb]} {self.objects[obj]}'.replace('_', ' ')
            for verb, obj in zip(self.hoi_verbs, self.hoi_objects)
        ]

    def object_labels(self, vocabulary: HOIVocabulary) -> np.ndarray:
        """Map categories to a vocabulary's labels, or -1, (O,)."""
        labels = [vocabulary.object_label(name) for name in self.objects]
        return np.array(labels, np.int64)

    def verb_labels(self, vocabulary: HOIVocabulary) -> np.ndarray:
        """Map verbs to a vocabulary's labels, or -1, (V,)."""
        labels = [vocabulary.verb_label(name) for name in self.verbs]
        return np.array(labels, np.int64)

    def pair_labels(self, vocabulary: HOIVocabulary) -> np.ndarray:
        """Map rows of ``hois`` to a vocabulary's classes.

        Args:
            vocabulary (HOIVocabulary): The vocabulary.

        Returns:
            np.ndarray: (P,) int64, -1 outside the classes and without an
            object.
        """
        verbs = self.verb_labels(vocabulary)[self.pair_verbs]
        boxes = np.append(self.object_labels(vocabulary)[self.box_labels], -1)
        # -1, outside the vocabulary, indexes the appended last entry.
        lookup = np.pad(vocabulary.hoi_lookup, (0, 1), constant_values=-1)
        return lookup[verbs, boxes[self.object_inds]].astype(np.int64)

    def require_sizes(self) -> None:
        """Check that all images have a width and height."""
        unknown = ~np.isfinite(self.sizes)
        for i, column in np.argwhere(unknown)[:1]:
            self.fail(
                'images',
                i,
                ('width', 'height')[column],
                'missing',
                'add it; custom.py and the other converters read sizes with '
                '--images FOLDER',
            )

    def fail(
        self, section: str, position: int, field: str, reason: str, remedy: str
    ) -> None:
        """Raise an error about a record of a section."""
        self._records.fail(section, position, field, reason, remedy)

    def _read_images(self) -> None:
        self.images: List[dict] = self.content['images']
        for i, image in enumerate(self.images):
            for field in ('file_name', 'key'):
                value = image.get(field)
                if value is None and field == 'key':
                    continue
                if not isinstance(value, str):
                    self.fail(
                        'images',
                        i,
                        field,
                        f'{value!r} is no string',
                        'write a path',
                    )
                image[field] = normalize_key(value)
        self.image_ids: List[Any] = self._records.values('images', 'id')
        self.keys = list(self._records.positions('images', 'key', 'file_name'))
        self.sizes = np.full((len(self.images), 2), np.inf, np.float32)
        for i, image in enumerate(self.images):
            for column, field in enumerate(('width', 'height')):
                size = image.get(field)
                if size is None:
                    continue
                if not _is_number(size) or not 1 <= size < np.inf:
                    self.fail(
                        'images',
                        i,
                        field,
                        f'{size!r} is no number of pixels',
                        'write the size of the stored image',
                    )
                self.sizes[i, column] = size

    def _read_classes(self) -> None:
        for section, names in (
            ('categories', self._records.values('categories', 'name')),
            ('verbs', self.content['verbs']),
        ):
            for i, name in enumerate(names):
                if not isinstance(name, str):
                    self.fail(
                        section,
                        i,
                        'name',
                        f'{name!r} is no string',
                        'write a name',
                    )
        self.objects = tuple(self._records.values('categories', 'name'))
        self.verbs = tuple(self.content['verbs'])
        self.hoi_verbs = self._verb_positions('hoi_categories')
        self.hoi_objects = self._records.references(
            'hoi_categories', 'category_id', 'categories', 'category'
        )
        flags = [c.get('rare') for c in self.content['hoi_categories']]
        self.rare: Optional[np.ndarray] = None
        if any(flag is not None for flag in flags):
            self.rare = np.array([bool(flag) for flag in flags])

    def _read_annotations(self) -> None:
        annotations = self.content['annotations']
        self.box_images = self._records.references(
            'annotations', 'image_id', 'images', 'image'
        )
        self.box_labels = self._records.references(
            'annotations', 'category_id', 'categories', 'category'
        )
        for i, ann in enumerate(annotations):
            if not is_xywh(ann['bbox']):
                self.fail(
                    'annotations',
                    i,
                    'bbox',
                    f'{ann["bbox"]!r} is no [x, y, w, h]',
                    'write four finite numbers, w and h >= 0',
                )
        xywh = np.array([ann['bbox'] for ann in annotations], np.float64)
        xywh = xywh.reshape(-1, 4)
        bboxes = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], 1)
        self.bboxes = bboxes.astype(np.float32)
        self.iscrowd = _flags(annotations, 'iscrowd', False)
        self.hoi_labelled = _flags(annotations, 'hoi_labelled', True)

    def _read_hois(self) -> None:
        refer, hois = self._records.references, self.content['hois']
        self.pair_images = refer('hois', 'image_id', 'images', 'image')
        self.human_inds, self.object_inds = (
            refer('hois', field, 'annotations', 'annotation', nullable=True)
            for field in ('human_ann_id', 'object_ann_id')
        )
        self.pair_verbs = self._verb_positions('hois')
        self.invisible = _flags(hois, 'invisible', False)
        for field, inds in (
            ('human_ann_id', self.human_inds),
            ('object_ann_id', self.object_inds),
        ):
            boxed = np.flatnonzero(inds >= 0)
            wrong = self.box_images[inds[boxed]] != self.pair_images[boxed]
            for i in boxed[wrong][:1]:
                self.fail(
                    'hois',
                    i,
                    field,
                    f'annotation {hois[i][field]!r} belongs to image '
                    f'{self.image_ids[self.box_images[inds[i]]]!r}, not to '
                    f'{hois[i]["image_id"]!r}',
                    'point to an annotation of the same image',
                )
        self.image_hois = self._read_image_hois()

    def _read_image_hois(self) -> np.ndarray:
        classes = self._records.positions('hoi_categories', 'id')
        rows = []
        for i, image in enumerate(self.images):
            class_ids = image.get('hoi_ids') or []
            for class_id in (
                class_ids if isinstance(class_ids, list) else (class_ids,)
            ):
                if not is_id(class_id) or class_id not in classes:
                    self.fail(
                        'images',
                        i,
                        'hoi_ids',
                        f'{class_id!r} is no id of hoi_categories',
                        'use ids that are listed there',
                    )
                rows.append((i, classes[class_id]))
        return np.array(rows, np.int64).reshape(-1, 2)

    def _verb_positions(self, section: str) -> np.ndarray:
        num = len(self.verbs)
        for i, verb in enumerate(self._records.values(section, 'verb_id')):
            if not _is_number(verb) or verb not in range(num):
                self.fail(
                    section,
                    i,
                    'verb_id',
                    f'{verb!r} is no position in verbs',
                    f'use 0 to {num - 1}',
                )
        return np.array(self._records.values(section, 'verb_id'), np.int64)


def is_xywh(bbox: Any) -> bool:
    """Test for a finite, non-negative [x, y, w, h]."""
    return (
        isinstance(bbox, list)
        and len(bbox) == 4
        and all(_is_number(x) and -np.inf < x < np.inf for x in bbox)
        and min(bbox[2:]) >= 0
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _flags(records: List[dict], field: str, default: bool) -> np.ndarray:
    return np.array(
        [bool(record.get(field, default)) for record in records], dtype=bool
    )


def _check_sections(content: Any, name: str) -> Dict[str, list]:
    missing = SECTIONS
    if isinstance(content, dict):
        missing = [
            key for key in SECTIONS if not isinstance(content.get(key), list)
        ]
    if missing:
        raise InputError(
            f'{name}: no list under {", ".join(missing)}. The file is a COCO '
            'detection file with verbs, hoi_categories and hois, which '
            'tools/dataset_converters write; its format is described by '
            '`python -m pydoc clhoi_mm.datasets.HOIDataset`.'
        )
    return content
