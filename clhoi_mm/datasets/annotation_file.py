"""The project's annotation file: read once, checked once."""

import json
from collections import defaultdict
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from mmengine.fileio import get

from clhoi_mm.vocabulary import HOIVocabulary

SECTIONS = (
    'images',
    'annotations',
    'categories',
    'verbs',
    'hoi_categories',
    'hois',
)


class HOIAnnotationFile:
    """A COCO detection file with ``verbs``, ``hoi_categories`` and ``hois``.

    Names are mapped to the vocabulary, ids are resolved to rows, and every
    reference is checked. A row of an image is the position of an annotation
    in the file's list for that image; nothing is dropped here.

    Args:
        path (str): The JSON file, or a remote address.
        vocabulary (HOIVocabulary): The names' labels.
        backend_args (dict, optional): Of mmengine's file backend.

    Attributes:
        images (List[dict]): The file's image records in file order.
        rare (List[bool] | None): A flag for each class of the vocabulary,
            from ``hoi_categories`` where they have one, else the
            vocabulary's.

    Raises:
        ValueError: Naming the file, the record, its field and the remedy.
    """

    def __init__(
        self,
        path: str,
        vocabulary: HOIVocabulary,
        backend_args: Optional[dict] = None,
    ) -> None:
        self.path = str(path)
        self.vocabulary = vocabulary
        content = self._read(backend_args)
        self.images: List[dict] = content['images']
        images = self._by_id(
            content, 'images', ('file_name', 'width', 'height')
        )
        keys = [image.get('key', image['file_name']) for image in self.images]
        self._refuse_twice('images', 'key', keys)
        self._object_labels = self._read_categories(content)
        self._verb_labels = self._read_verbs(content['verbs'])
        self.rare, self._class_labels = self._read_classes(content)

        self._annotations: Dict[Any, List[dict]] = defaultdict(list)
        self._rows: Dict[Any, Tuple[Any, int, int]] = {}
        self._read_annotations(content, images)
        self._hois: Dict[Any, List[tuple]] = defaultdict(list)
        self._read_hois(content, images)

    def image_rows(self, image_id: Any) -> dict:
        """All annotations of an image, as arrays.

        Args:
            image_id: An id among ``images``.

        Returns:
            dict: ``bboxes`` (R, 4) float32 xyxy, ``labels`` (R, ) int64,
            ``iscrowd`` and ``hoi_labelled`` (R, ) bool.
        """
        anns = self._annotations.get(image_id, [])
        xywh = np.array([ann['bbox'] for ann in anns], np.float64)
        xywh = xywh.reshape(-1, 4)
        xyxy = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], 1)
        return dict(
            bboxes=xyxy.astype(np.float32),
            labels=np.array(
                [self._object_labels[ann['category_id']] for ann in anns],
                np.int64,
            ),
            iscrowd=np.array([ann.get('iscrowd', 0) for ann in anns], bool),
            hoi_labelled=np.array(
                [ann.get('hoi_labelled', True) for ann in anns], bool
            ),
        )

    def image_hois(self, image_id: Any) -> dict:
        """All interactions of an image, as arrays.

        Args:
            image_id: An id among ``images``.

        Returns:
            dict: ``human_rows``, ``object_rows`` (-1 where null),
            ``verb_labels``, ``hoi_labels`` (-1 outside the classes), (P, )
            int64, and ``invisible`` (P, ) bool.
        """
        rows = np.array(self._hois.get(image_id, []), np.int64).reshape(-1, 5)
        return dict(
            human_rows=rows[:, 0],
            object_rows=rows[:, 1],
            verb_labels=rows[:, 2],
            hoi_labels=rows[:, 3],
            invisible=rows[:, 4].astype(bool),
        )

    def image_labels(self, image: dict) -> np.ndarray:
        """Image-level HOI labels, invisible interactions included.

        Args:
            image (dict): A record of ``images``.

        Returns:
            np.ndarray: Sorted labels, (n, ) int64.
        """
        named = []
        for class_id in image.get('hoi_ids', ()):
            if class_id not in self._class_labels:
                self._fail(
                    'images',
                    image['id'],
                    'hoi_ids',
                    f'{class_id!r} is no id of hoi_categories',
                    'use ids that are listed there',
                )
            named.append(self._class_labels[class_id])
        labels = self.image_hois(image['id'])['hoi_labels']
        labels = np.union1d(labels, np.array(named, np.int64))
        return labels[labels >= 0].astype(np.int64)

    def _read(self, backend_args: Optional[dict]) -> dict:
        try:
            content = json.loads(get(self.path, backend_args=backend_args))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(
                f'{self.path}: not valid JSON ({error}); the file may be '
                'truncated. Fetch or convert it again.'
            ) from error
        missing = (
            SECTIONS
            if not isinstance(content, dict)
            else [
                key
                for key in SECTIONS
                if not isinstance(content.get(key), list)
            ]
        )
        if missing:
            raise ValueError(
                f'{self.path}: no list under {", ".join(missing)}. The file '
                'is a COCO detection file with verbs, hoi_categories and '
                'hois; its format is described by `python -m pydoc '
                'clhoi_mm.datasets.HOIDataset`.'
            )
        return content

    def _read_categories(self, content: dict) -> Dict[Any, int]:
        labels = {}
        for cat in self._by_id(content, 'categories', ('name',)).values():
            label = self.vocabulary.object_label(cat['name'])
            if label < 0:
                self._fail(
                    'categories',
                    cat['id'],
                    'name',
                    f'{cat["name"]!r} is no object of the vocabulary '
                    f'{self.vocabulary.name!r}',
                    'rename it, or give the vocabulary that the file is '
                    'written for',
                )
            labels[cat['id']] = label
        self._refuse_twice('categories', 'name', list(labels.values()))
        return labels

    def _read_verbs(self, names: List[str]) -> List[int]:
        labels = [self.vocabulary.verb_label(str(name)) for name in names]
        for i, label in enumerate(labels):
            if label < 0:
                self._fail(
                    'verbs',
                    i,
                    'name',
                    f'{names[i]!r} is no verb of the '
                    f'vocabulary {self.vocabulary.name!r}',
                    'rename it, or give the vocabulary that the file is '
                    'written for',
                )
        self._refuse_twice('verbs', 'name', labels)
        return labels

    def _read_classes(
        self, content: dict
    ) -> Tuple[Optional[List[bool]], Dict]:
        vocab = self.vocabulary
        rare = None if vocab.rare is None else vocab.rare.tolist()
        classes = self._by_id(
            content, 'hoi_categories', ('verb_id', 'category_id')
        )
        if any('rare' in record for record in classes.values()):
            rare = rare or [False] * vocab.num_hois
        labels = {}
        for record in classes.values():
            where = ('hoi_categories', record['id'])
            verb = self._verb(*where, record['verb_id'])
            obj = self._category(*where, record['category_id'])
            label = vocab.hoi_id(verb, obj)
            if label < 0:
                self._fail(
                    *where,
                    'verb_id and category_id',
                    f'({vocab.verbs[verb]}, {vocab.objects[obj]}) is no HOI '
                    f'class of the vocabulary {vocab.name!r}',
                    'leave the class out, or give the vocabulary that has it',
                )
            labels[record['id']] = label
            if 'rare' in record:
                rare[label] = bool(record['rare'])
        self._refuse_twice(
            'hoi_categories', 'verb_id and category_id', list(labels.values())
        )
        return rare, labels

    def _read_annotations(self, content: dict, images: dict) -> None:
        required = ('image_id', 'category_id', 'bbox')
        for ann in self._by_id(content, 'annotations', required).values():
            where = ('annotations', ann['id'])
            image_id = ann['image_id']
            if image_id not in images:
                self._fail(
                    *where,
                    'image_id',
                    f'no image has {image_id!r}',
                    'correct it, or list the image',
                )
            label = self._category(*where, ann['category_id'])
            bbox = ann['bbox']
            if (
                not isinstance(bbox, list)
                or len(bbox) != 4
                or not np.isfinite(np.array(bbox, np.float64)).all()
                or min(bbox[2:]) < 0
            ):
                self._fail(
                    *where,
                    'bbox',
                    f'{bbox!r} is no [x, y, w, h]',
                    'write four finite numbers, w and h >= 0',
                )
            row = len(self._annotations[image_id])
            self._annotations[image_id].append(ann)
            self._rows[ann['id']] = (image_id, row, label)

    def _read_hois(self, content: dict, images: dict) -> None:
        vocab = self.vocabulary
        required = ('image_id', 'human_ann_id', 'object_ann_id', 'verb_id')
        for hoi in self._by_id(content, 'hois', required).values():
            where = ('hois', hoi['id'])
            if hoi['image_id'] not in images:
                self._fail(
                    *where,
                    'image_id',
                    f'no image has {hoi["image_id"]!r}',
                    'correct it, or list the image',
                )
            human_row, human = self._row(hoi, 'human_ann_id')
            object_row, obj = self._row(hoi, 'object_ann_id')
            if human not in (-1, vocab.person_label):
                self._fail(
                    *where,
                    'human_ann_id',
                    f'annotation {hoi["human_ann_id"]!r} is a '
                    f'{vocab.objects[human]}, not a person',
                    'swap the two ids, or correct the category',
                )
            verb = self._verb(*where, hoi['verb_id'])
            label = vocab.hoi_id(verb, obj)
            if label < 0 <= obj and self._class_labels:
                self._fail(
                    *where,
                    'verb_id',
                    f'({vocab.verbs[verb]}, '
                    f'{vocab.objects[obj]}) is no HOI class of the '
                    f'vocabulary {vocab.name!r}',
                    'drop the row, or give the vocabulary that has it',
                )
            self._hois[hoi['image_id']].append(
                (
                    human_row,
                    object_row,
                    verb,
                    label,
                    bool(hoi.get('invisible', False)),
                )
            )

    def _row(self, hoi: dict, field: str) -> Tuple[int, int]:
        """Row and object label of the annotation a pair points to."""
        ann_id = hoi[field]
        if ann_id is None:
            return -1, -1
        image_id, row, label = self._rows.get(ann_id, (None, -1, -1))
        if row < 0:
            self._fail(
                'hois',
                hoi['id'],
                field,
                f'no annotation has id {ann_id!r}',
                'correct it, or write null where there is no box',
            )
        if image_id != hoi['image_id']:
            self._fail(
                'hois',
                hoi['id'],
                field,
                f'annotation {ann_id!r} belongs to '
                f'image {image_id!r}, not to {hoi["image_id"]!r}',
                'point to an annotation of the same image',
            )
        return row, label

    def _verb(self, section: str, record_id: Any, verb_id: Any) -> int:
        if not isinstance(verb_id, int) or not 0 <= verb_id < len(
            self._verb_labels
        ):
            self._fail(
                section,
                record_id,
                'verb_id',
                f'{verb_id!r} is no position in verbs',
                f'use 0 to {len(self._verb_labels) - 1}',
            )
        return self._verb_labels[verb_id]

    def _category(self, section: str, record_id: Any, cat_id: Any) -> int:
        if cat_id not in self._object_labels:
            self._fail(
                section,
                record_id,
                'category_id',
                f'no category has id {cat_id!r}',
                'correct it, or list the category',
            )
        return self._object_labels[cat_id]

    def _by_id(
        self, content: dict, section: str, required: Tuple[str, ...]
    ) -> Dict[Any, dict]:
        records = content[section]
        for i, record in enumerate(records):
            for field in ('id',) + required:
                if field not in record:
                    self._fail(
                        section,
                        record.get('id', f'at {i}'),
                        field,
                        'missing',
                        'add it',
                    )
        by_id = {record['id']: record for record in records}
        if len(by_id) < len(records):
            self._refuse_twice(section, 'id', [r['id'] for r in records])
        return by_id

    def _refuse_twice(self, section: str, field: str, values: list) -> None:
        seen = set()
        for i, value in enumerate(values):
            if value in seen:
                self._fail(
                    section,
                    f'at {i}',
                    field,
                    f'{value!r} occurs twice',
                    'make it unique',
                )
            seen.add(value)

    def _fail(
        self,
        section: str,
        record_id: Any,
        field: str,
        reason: str,
        remedy: str,
    ) -> None:
        raise ValueError(
            f'{self.path}: {section}, record {record_id}, field '
            f'{field!r}: {reason}; {remedy}.'
        )
