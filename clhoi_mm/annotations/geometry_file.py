"""Annotation file of boxes whose candidate pairs are counted."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Sequence, Union

import numpy as np
from tqdm import tqdm

from clhoi_mm.vocabulary import HOIVocabulary

from .annotation_builder import write_annotations
from .annotation_file import AnnotationFile
from .labeled_annotations import LabeledAnnotations

# LoadDetections' default: annotated boxes with a greater IoU are merged.
MERGE_IOU = 0.7


@dataclass
class SplitReport:
    """Summary of a written file.

    Attributes:
        path (Path): The file written.
        images (int): Number of images.
        pairs (int): Candidate pairs, each person with each other instance.
        hois (int): Annotated (pair, verb) rows.
    """

    path: Path
    images: int
    pairs: int
    hois: int


class GeometryFile:
    """Annotation file whose candidate pairs are counted.

    Candidate pairs are counted as a model forms them (near-duplicate boxes
    merged, see :class:`LoadDetections`).

    Args:
        path (str | PathLike): File in the project's format.
        vocabulary (str | HOIVocabulary): Vocabulary of the file.
        progress (bool): Whether to show a progress bar.

    Attributes:
        pairs (list[int]): Candidate pairs of each image.
        annotated (list[int]): Images with a visible annotated pair.
    """

    def __init__(
        self,
        path: Union[str, os.PathLike],
        vocabulary: Union[str, HOIVocabulary],
        progress: bool,
    ) -> None:
        self.path = path
        self._file = AnnotationFile.read(path)
        self._file.require_sizes()
        labeled = LabeledAnnotations(
            self._file, HOIVocabulary.load(vocabulary)
        )
        images = range(len(self._file.images))
        self.pairs = [
            _count_pairs(labeled, i)
            for i in tqdm(images, 'images', disable=not progress)
        ]
        self.annotated = [i for i in images if _is_annotated(labeled.hois(i))]

    def name(self, index: int) -> str:
        """Return an image's file name."""
        return self._file.content['images'][index]['file_name']

    def write(
        self, path: Path, images: Sequence[int], info: dict
    ) -> SplitReport:
        """Write a file of some images, without verbs that lack an object.

        Args:
            path (Path): Output file.
            images (Sequence[int]): Ascending indices of images.
            info (dict): Entries added to the file's ``info``.
        """
        content = self._file.content
        kept = {self._file.image_ids[i] for i in images}
        sections = dict(
            images=[x for x in content['images'] if x['id'] in kept],
            annotations=[
                x for x in content['annotations'] if x['image_id'] in kept
            ],
            categories=content['categories'],
            verbs=content['verbs'],
            hoi_categories=content['hoi_categories'],
            hois=[
                x
                for x in content['hois']
                if x['image_id'] in kept
                and x['human_ann_id'] is not None
                and x['object_ann_id'] is not None
            ],
        )
        write_annotations(path, {**content.get('info', {}), **info}, sections)
        return SplitReport(
            path,
            len(kept),
            sum(self.pairs[i] for i in images),
            len(sections['hois']),
        )


def _is_annotated(hois: Dict[str, np.ndarray]) -> bool:
    """Check that an image has a visible pair of a class."""
    return (
        (hois['hoi_labels'] >= 0)
        & ~hois['invisible']
        & (hois['human_rows'] >= 0)
    ).any()


def _count_pairs(labeled: LabeledAnnotations, index: int) -> int:
    """Count pairs of a person and an instance with class."""
    vocabulary = labeled.vocabulary
    boxes, size = labeled.boxes(index), labeled.file.sizes[index]
    bboxes = boxes['bboxes']
    inside = np.clip(bboxes, 0, np.tile(size, 2))
    usable = (
        (inside[:, 2:] > inside[:, :2]).all(1)
        & (bboxes[:, 2:] - bboxes[:, :2] >= 1).all(1)
        & ~boxes['iscrowd']
    )
    labels = boxes['labels'][usable]
    labels = labels[deduplicate_boxes(bboxes[usable], labels, MERGE_IOU)]
    candidate = vocabulary.valid.any(0)
    persons = int((labels == vocabulary.person_label).sum())
    others = int(candidate[labels].sum())
    return persons * (others - int(candidate[vocabulary.person_label]))


def deduplicate_boxes(
    bboxes: np.ndarray, labels: np.ndarray, iou: float
) -> np.ndarray:
    """Select boxes that are no duplicates of earlier ones.

    Args:
        bboxes (np.ndarray): (N, 4), xyxy.
        labels (np.ndarray): (N,) classes.
        iou (float): IoU above which boxes are duplicates.

    Returns:
        np.ndarray: Ascending indices.
    """
    corner = np.minimum(bboxes[:, None, 2:], bboxes[None, :, 2:])
    sides = corner - np.maximum(bboxes[:, None, :2], bboxes[None, :, :2])
    shared = sides.clip(0).prod(-1)
    areas = (bboxes[:, 2:] - bboxes[:, :2]).prod(-1)
    same = shared > iou * (areas[:, None] + areas - shared)
    same &= labels[:, None] == labels
    kept = np.ones(len(bboxes), bool)
    for i in range(len(bboxes)):
        if kept[i]:
            kept[i + 1 :] &= ~same[i, i + 1 :]
    return np.flatnonzero(kept)
