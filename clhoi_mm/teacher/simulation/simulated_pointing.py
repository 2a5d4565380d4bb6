import hashlib
import json
import os
from typing import Dict, Tuple, Union

import numpy as np

from clhoi_mm.annotations.annotation_file import AnnotationFile
from clhoi_mm.annotations.labeled_annotations import LabeledAnnotations
from clhoi_mm.utils.boxes import pairwise_ious
from clhoi_mm.vocabulary import HOIVocabulary

from ..interaction import PointedPair
from ..store.pseudo_labels import PseudoLabels

# Boxes of one object category that overlap so much are one instance.
_SAME_BOX_IOU = 0.7


class SimulatedPointing:
    """Simulated answers to the question which pair a label is about.

    Each interacting pair of a true label is pointed at with the probability
    ``accuracy``; else the nearest other pair of the bag is, by the distance
    of the boxes' centers. A false label points at a random pair of its bag.
    Draws depend on seed, teacher, image and class.

    Args:
        ann_file (str | PathLike): Annotation file in the project's format.
        vocabulary (HOIVocabulary): Its vocabulary.
        accuracy (float): In [0, 1].
        seed (int): Seed of all teachers. Defaults to 0.
        teacher (int): Number of the teacher, from 0. Defaults to 0.

    Attributes:
        counts (Dict[str, int]): Pointed pairs of true labels: ``right`` and
            ``wrong``; those of false labels: ``false``.

    Raises:
        ValueError: The accuracy is out of range.
    """

    def __init__(
        self,
        ann_file: Union[str, os.PathLike],
        vocabulary: HOIVocabulary,
        accuracy: float,
        seed: int = 0,
        teacher: int = 0,
    ) -> None:
        if not 0 <= accuracy <= 1:
            raise ValueError(
                f'pointing accuracy {accuracy!r} must lie in [0, 1]'
            )
        file = AnnotationFile.read(ann_file)
        self.vocabulary = vocabulary
        self.accuracy = accuracy
        self.seed = seed
        self.teacher = teacher
        self.counts: Dict[str, int] = dict(right=0, wrong=0, false=0)
        self._labeled = LabeledAnnotations(file, vocabulary)
        self._places = {key: i for i, key in enumerate(file.keys)}

    def point(self, key: str, hoi: int) -> Tuple[PointedPair, ...]:
        """Point at the pairs of a label.

        Args:
            key (str): The image's key.
            hoi (int): The label's HOI class.

        Returns:
            Tuple[PointedPair, ...]: Pairs of annotated boxes; none where the
            image has no pair with the object.
        """
        bag, acting = self._bag(self._places[key], hoi)
        if not len(bag):
            return ()
        rng = self._rng(key, hoi)
        if not len(acting):
            self.counts['false'] += 1
            return (_as_pair(bag[rng.integers(len(bag))]),)
        chosen = []
        others = np.setdiff1d(np.arange(len(bag)), acting)
        for pair in acting:
            right = rng.random() < self.accuracy or not len(others)
            self.counts['right' if right else 'wrong'] += 1
            if not right:
                far = _centers(bag[others]) - _centers(bag[pair])
                pair = others[np.linalg.norm(far, axis=-1).sum(-1).argmin()]
            chosen.append(int(pair))
        return tuple(_as_pair(bag[pair]) for pair in dict.fromkeys(chosen))

    def has_choice(self, key: str, hoi: int) -> bool:
        """Check for more than one candidate pair of a label."""
        return len(self._bag(self._places[key], hoi)[0]) > 1

    def add(self, labels: PseudoLabels) -> None:
        """Point at the pairs of an image's pseudo-labels, in place.

        Labels whose bag has one pair alone are left as they are.
        """
        vocabulary = self.vocabulary
        for place, item in enumerate(labels.interactions):
            hoi = vocabulary.hoi_id(
                vocabulary.verb_label(item.verb),
                vocabulary.object_label(item.object),
            )
            if hoi >= 0 and self.has_choice(labels.key, hoi):
                pointed = self.point(labels.key, hoi)
                labels.interactions[place] = item._replace(pointed=pointed)

    def _bag(self, place: int, hoi: int) -> Tuple[np.ndarray, np.ndarray]:
        """List a label's candidate pairs, and which of them interact.

        Returns:
            Tuple[np.ndarray, np.ndarray]: Boxes of human and object,
            (n, 2, 4), and indices of interacting pairs, (m,).
        """
        rows, hois = self._labeled.boxes(place), self._labeled.hois(place)
        boxes, labels = rows['bboxes'], rows['labels']
        first = _first_of_same(boxes, labels)
        kept = (first == np.arange(len(boxes))) & ~rows['iscrowd']
        humans = np.flatnonzero(
            kept & (labels == self.vocabulary.person_label)
        )
        objects = np.flatnonzero(
            kept & (labels == self.vocabulary.hoi_objects[hoi])
        )
        pairs = [(i, j) for i in humans for j in objects if i != j]
        mask = (
            (hois['hoi_labels'] == hoi)
            & (hois['human_rows'] >= 0)
            & (hois['object_rows'] >= 0)
            & ~hois['invisible']
        )
        true = set(
            zip(
                first[hois['human_rows'][mask]],
                first[hois['object_rows'][mask]],
            )
        )
        acting = [place for place, pair in enumerate(pairs) if pair in true]
        index = np.array(pairs, np.int64).reshape(-1, 2)
        return boxes[index], np.array(acting, np.int64)

    def _rng(self, key: str, hoi: int) -> np.random.Generator:
        name = f'pointing {self.teacher}' if self.teacher else 'pointing'
        text = json.dumps([self.seed, name, key, int(hoi)])
        digest = hashlib.sha256(text.encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8], 'little'))


def _first_of_same(boxes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Find the first box that is the same instance, (R,)."""
    same = (pairwise_ious(boxes, boxes) > _SAME_BOX_IOU) & (
        labels[:, None] == labels
    )
    return same.argmax(1) if len(boxes) else np.zeros(0, np.int64)


def _centers(pairs: np.ndarray) -> np.ndarray:
    return (pairs[..., :2] + pairs[..., 2:]) / 2


def _as_pair(boxes: np.ndarray) -> PointedPair:
    return tuple(boxes.ravel().tolist())
