"""The annotation file as flat arrays, without torch and mmdet.

`clhoi_mm.datasets.HOIDataset` describes the file. Labels are positions in the
file's own lists, as in a file of predictions.
"""

import json
import os.path as osp
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from clhoi_mm.vocabulary.names import normalise_name

from .pair_table import ImageLabels, PairTable
from .v_coco_tables import VCOCOActions, VCOCOTruth


@dataclass(frozen=True)
class Annotations:
    """All of an annotation file, I images, R boxes, P interactions.

    Args:
        image_ids (list): Ids in file order, I.
        sizes (np.ndarray): Widths and heights, (I, 2) float32.
        objects (tuple[str]): Names of ``categories``, O.
        verbs (tuple[str]): Names, V.
        hoi_verbs (np.ndarray): Verb of each of ``hoi_categories``, (C,).
        hoi_objects (np.ndarray): Object of each, (C,).
        rare (np.ndarray, optional): Which ones are rare, (C,) bool.
        box_images (np.ndarray): Image of each box, (R,).
        bboxes (np.ndarray): (R, 4) float32 xyxy.
        box_labels (np.ndarray): Objects, (R,).
        labelled (np.ndarray): ``hoi_labelled``, (R,) bool.
        pair_images (np.ndarray): Image of each interaction, (P,).
        humans (np.ndarray): Box of each human, -1 without one, (P,).
        others (np.ndarray): Box of each object, -1 without one, (P,).
        pair_verbs (np.ndarray): (P,).
        invisible (np.ndarray): (P,) bool.
        named (ImageLabels): ``hoi_ids`` of the images.
    """

    image_ids: List[Any]
    sizes: np.ndarray
    objects: Tuple[str, ...]
    verbs: Tuple[str, ...]
    hoi_verbs: np.ndarray
    hoi_objects: np.ndarray
    rare: Optional[np.ndarray]
    box_images: np.ndarray
    bboxes: np.ndarray
    box_labels: np.ndarray
    labelled: np.ndarray
    pair_images: np.ndarray
    humans: np.ndarray
    others: np.ndarray
    pair_verbs: np.ndarray
    invisible: np.ndarray
    named: ImageLabels

    @classmethod
    def read(cls, path: str) -> 'Annotations':
        """Reads a file.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is no annotation file, or refers to what it does
                not hold.
        """
        if not osp.isfile(path):
            raise FileNotFoundError(
                f'{path}: no such annotation file; write one with a converter '
                'in tools/dataset_converters'
            )
        with open(path, encoding='utf-8') as file:
            try:
                content = json.load(file)
            except ValueError as error:
                raise ValueError(
                    f'{path}: not valid JSON ({error}); the file '
                    'may be truncated.'
                ) from error
        return cls.from_content(content, str(path))

    @classmethod
    def from_content(cls, content: dict, name: str) -> 'Annotations':
        """Reads a file's content; `name` is for messages."""
        missing = [
            key
            for key in (
                'images',
                'annotations',
                'categories',
                'verbs',
                'hoi_categories',
                'hois',
            )
            if key not in content
        ]
        if missing:
            raise ValueError(
                f'{name}: no {", ".join(missing)}; it is no '
                'annotation file with interactions.'
            )
        source = _Source(content, name)
        images, classes = content['images'], content['hoi_categories']
        rare = None
        if any('rare' in record for record in classes):
            rare = np.array([record.get('rare', False) for record in classes])
        xywh = np.array(source.values('annotations', 'bbox'), np.float64)
        xywh = xywh.reshape(-1, 4)
        bboxes = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], 1)
        class_positions = source.positions('hoi_categories')
        named = [
            (i, class_positions[class_id])
            for i, image in enumerate(images)
            for class_id in image.get('hoi_ids', ())
        ]
        named = np.array(named, dtype=np.int64).reshape(-1, 2)
        return cls(
            image_ids=source.values('images', 'id'),
            # An unknown size clips no box.
            sizes=np.array(
                [
                    (
                        image.get('width') or np.inf,
                        image.get('height') or np.inf,
                    )
                    for image in images
                ],
                np.float32,
            ).reshape(-1, 2),
            objects=tuple(source.values('categories', 'name')),
            verbs=tuple(content['verbs']),
            hoi_verbs=np.array(
                source.values('hoi_categories', 'verb_id'), np.int64
            ),
            hoi_objects=source.references(
                'hoi_categories', 'category_id', 'categories'
            ),
            rare=rare,
            box_images=source.references('annotations', 'image_id', 'images'),
            bboxes=bboxes.astype(np.float32),
            box_labels=source.references(
                'annotations', 'category_id', 'categories'
            ),
            labelled=np.array(
                [
                    ann.get('hoi_labelled', True)
                    for ann in content['annotations']
                ],
                bool,
            ),
            pair_images=source.references('hois', 'image_id', 'images'),
            humans=source.references('hois', 'human_ann_id', 'annotations'),
            others=source.references('hois', 'object_ann_id', 'annotations'),
            pair_verbs=np.array(source.values('hois', 'verb_id'), np.int64),
            invisible=np.array(
                [hoi.get('invisible', False) for hoi in content['hois']], bool
            ),
            named=ImageLabels(named[:, 0], named[:, 1]),
        )

    @cached_property
    def hoi_lookup(self) -> np.ndarray:
        """Class of each verb and object, -1 outside, (V, O) int64."""
        lookup = np.full((len(self.verbs), len(self.objects)), -1)
        lookup[self.hoi_verbs, self.hoi_objects] = np.arange(
            len(self.hoi_verbs)
        )
        return lookup

    @property
    def hoi_names(self) -> List[str]:
        """As in 'ride bicycle', one for each class."""
        return [
            f'{self.verbs[verb]} {self.objects[obj]}'.replace('_', ' ')
            for verb, obj in zip(self.hoi_verbs, self.hoi_objects)
        ]

    def hico_det(self) -> Tuple[PairTable, ImageLabels]:
        """The visible pairs, and the labels of whole images.

        Pairs that lack a box or belong to no class are left out.
        """
        boxed = self.others >= 0
        labels = np.full(len(self.others), -1)
        labels[boxed] = self.hoi_lookup[
            self.pair_verbs[boxed], self.box_labels[self.others[boxed]]
        ]
        visible = np.flatnonzero(
            (labels >= 0) & ~self.invisible & (self.humans >= 0)
        )
        visible = visible[np.argsort(self.pair_images[visible], kind='stable')]
        gt = PairTable(
            self.pair_images[visible],
            self.bboxes[self.humans[visible]],
            self.bboxes[self.others[visible]],
            labels[visible],
            np.ones(len(visible), dtype=np.float32),
        )
        known = labels >= 0
        return gt, ImageLabels(
            np.concatenate([self.pair_images[known], self.named.image_inds]),
            np.concatenate([labels[known], self.named.hoi_labels]),
        )

    def v_coco(self) -> Tuple[VCOCOTruth, VCOCOActions]:
        """The persons with their roles, and what the verbs stand for."""
        person = [normalise_name(name) == 'person' for name in self.objects]
        persons = np.flatnonzero(np.array(person)[self.box_labels])
        persons = persons[np.argsort(self.box_images[persons], kind='stable')]
        position = np.full(len(self.bboxes) + 1, -1)
        position[persons] = np.arange(len(persons))
        owners = position[self.humans]  # -1, without a human, reads the last
        roles = np.flatnonzero((owners >= 0) & ~self.invisible)
        nothing = np.full((1, 4), np.nan, dtype=np.float32)
        truth = VCOCOTruth(
            self.box_images[persons],
            self.bboxes[persons],
            self.labelled[persons],
            self.sizes[self.box_images[persons]],
            owners[roles],
            self.pair_verbs[roles],
            np.concatenate([self.bboxes, nothing])[self.others[roles]],
        )
        return truth, VCOCOActions.from_verbs(self.verbs)


class _Source:
    """Looks up fields, and says where one is missing or leads nowhere."""

    def __init__(self, content: dict, name: str) -> None:
        self.content = content
        self.name = name

    def values(self, section: str, field: str) -> list:
        try:
            return [record[field] for record in self.content[section]]
        except KeyError:
            for i, record in enumerate(self.content[section]):
                if field not in record:
                    raise ValueError(
                        f'{self.name}: {section}, record '
                        f'{record.get("id", f"at {i}")}: no {field!r}.'
                    ) from None
            raise

    def positions(self, section: str) -> Dict[Any, int]:
        ids = self.values(section, 'id')
        positions = {value: i for i, value in enumerate(ids)}
        if len(positions) < len(ids):
            twice = next(v for i, v in enumerate(ids) if positions[v] != i)
            raise ValueError(
                f'{self.name}: {section}: id {twice!r} occurs twice.'
            )
        positions[None] = -1
        return positions

    def references(self, section: str, field: str, target: str) -> np.ndarray:
        """Positions of what a field names, -1 for null."""
        positions = self.positions(target)
        ids: Sequence[Any] = self.values(section, field)
        try:
            return np.array([positions[value] for value in ids], np.int64)
        except KeyError as error:
            raise ValueError(
                f'{self.name}: {section}: {field!r} is {error.args[0]!r}, but '
                f'{target} has no such id.'
            ) from None
