"""Builder and writer of annotation files."""

import json
import os
from itertools import chain
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union

import numpy as np

from clhoi_mm.utils.files import atomic_path
from clhoi_mm.vocabulary import HOIVocabulary


class AnnotationBuilder:
    """Builds an annotation file image by image.

    Ids count from 1 in the order of the calls, categories and HOI classes in
    the vocabulary's order. Equal boxes of one object class in one image are
    merged into one annotation, so that pairs share persons and objects; pairs
    are never merged.
    Args:
        vocabulary (HOIVocabulary): Vocabulary of ``categories``, ``verbs``
            and ``hoi_categories``.
        info (dict): Source of the annotations; without dates, so that the
            same input gives the same bytes.
        with_classes (bool): Whether the data set defines HOI classes, as
            V-COCO does not. Defaults to True.
    """

    def __init__(
        self,
        vocabulary: HOIVocabulary,
        info: Dict[str, str],
        with_classes: bool = True,
    ) -> None:
        self.vocabulary = vocabulary
        self.info = info
        self.with_classes = with_classes
        self.images: List[dict] = []
        self.annotations: List[dict] = []
        self.hois: List[dict] = []
        self._seen: Dict[tuple, int] = {}

    def add_image(
        self,
        image_id: int,
        file_name: str,
        size: Tuple[int, int],
        hoi_labels: Optional[Iterable[int]] = None,
    ) -> None:
        """Start an image, to which following boxes and pairs belong.

        Args:
            image_id (int): Unique in the file.
            file_name (str): Path relative to the data set's image folder,
                unique over the splits, since it is the image's key.
            size (Tuple[int, int]): Width and height in pixels.
            hoi_labels (Iterable[int], optional): Image-level HOI labels,
                invisible interactions included.
        """
        image = dict(
            id=image_id,
            file_name=file_name,
            key=file_name,
            width=int(size[0]),
            height=int(size[1]),
        )
        if hoi_labels is not None:
            image['hoi_ids'] = [int(x) + 1 for x in sorted(set(hoi_labels))]
        self.images.append(image)
        self._seen = {}

    def add_box(self, label: int, xyxy: Sequence[float]) -> int:
        """Add a box of the image, unless it exists.

        Args:
            label (int): Object label.
            xyxy (Sequence[float]): Zero-based continuous pixels.

        Returns:
            int: Id of the annotation.
        """
        box = (label, *xyxy)
        if box not in self._seen:
            x1, y1, x2, y2 = xyxy
            width, height = _number(x2 - x1), _number(y2 - y1)
            self.annotations.append(
                dict(
                    id=len(self.annotations) + 1,
                    image_id=self.images[-1]['id'],
                    category_id=label + 1,
                    bbox=[_number(x1), _number(y1), width, height],
                    area=_number(width * height),
                    iscrowd=0,
                )
            )
            self._seen[box] = len(self.annotations)
        return self._seen[box]

    def add_annotation(
        self,
        ann_id: int,
        label: int,
        bbox: Sequence[float],
        area: float,
        iscrowd: int,
        hoi_labelled: bool = True,
    ) -> None:
        """Copy an annotation of another data set.

        Args:
            ann_id (int): Its original id, unique in the file; not to be
                mixed with :meth:`add_box`.
            label (int): Object label.
            bbox (Sequence[float]): xywh, zero-based continuous pixels.
            area (float): In pixels.
            iscrowd (int): 1 for a crowd.
            hoi_labelled (bool): Whether the person's interactions are
                annotated. Defaults to True.
        """
        annotation = dict(
            id=ann_id,
            image_id=self.images[-1]['id'],
            category_id=int(label) + 1,
            bbox=list(bbox),
            area=area,
            iscrowd=iscrowd,
        )
        if not hoi_labelled:
            annotation['hoi_labelled'] = False
        self.annotations.append(annotation)

    def add_hoi(
        self,
        human_ann_id: Optional[int],
        object_ann_id: Optional[int],
        verb_label: int,
        invisible: bool = False,
    ) -> None:
        """Add a pair of the image; None is no box."""
        hoi = dict(
            id=len(self.hois) + 1,
            image_id=self.images[-1]['id'],
            human_ann_id=human_ann_id,
            object_ann_id=object_ann_id,
            verb_id=int(verb_label),
        )
        if invisible:
            hoi['invisible'] = True
        self.hois.append(hoi)

    def save(
        self, path: Union[str, os.PathLike], rare: Optional[np.ndarray] = None
    ) -> None:
        """Write the file atomically, one record per line.

        Args:
            path (str | PathLike): The JSON file.
            rare (np.ndarray, optional): Rare classes, (C, ) bool.
        """
        vocab = self.vocabulary
        classes = [
            dict(id=i + 1, verb_id=int(verb), category_id=int(obj) + 1)
            for i, (verb, obj) in enumerate(
                zip(vocab.hoi_verbs, vocab.hoi_objects)
            )
            if self.with_classes
        ]
        if rare is not None:
            for record, flag in zip(classes, rare):
                record['rare'] = bool(flag)
        sections = dict(
            images=self.images,
            annotations=self.annotations,
            categories=[
                dict(id=i + 1, name=name)
                for i, name in enumerate(vocab.objects)
            ],
            verbs=vocab.verbs,
            hoi_categories=classes,
            hois=self.hois,
        )
        write_annotations(path, self.info, sections)


def write_annotations(
    path: Union[str, os.PathLike],
    info: Dict[str, Any],
    sections: Dict[str, Sequence[Any]],
) -> None:
    """Write an annotation file atomically, one record per line.

    Args:
        path (str | PathLike): The JSON file.
        info (dict): Source of the annotations.
        sections (dict): ``images``, ``annotations``, ``categories``,
            ``verbs``, ``hoi_categories`` and ``hois``.
    """
    with atomic_path(path) as temp, open(temp, 'w', encoding='utf-8') as file:
        file.writelines(
            chain(
                [f'{{\n"info": {_dumps(info)}'],
                *(_section(*item) for item in sections.items()),
                ['\n}\n'],
            )
        )


def _section(name: str, records: Sequence[Any]) -> Iterable[str]:
    yield f',\n"{name}": ['
    for i, record in enumerate(records):
        yield (',\n' if i else '\n') + _dumps(record)
    yield '\n]'


def _dumps(record: Any) -> str:
    return json.dumps(record, ensure_ascii=False)


def _number(value: float) -> Union[int, float]:
    """Round to four decimals, to hide rounding errors of sums."""
    value = round(float(value), 4)
    return int(value) if value.is_integer() else value
