"""Annotation file in a vocabulary's labels, image by image."""

from typing import Dict, List, Optional, Tuple

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

from .annotation_file import AnnotationFile


class LabeledAnnotations:
    """Boxes and interactions of each image, in a vocabulary's labels.

    A row of an image is the index of an annotation in the file's list for
    that image; nothing is dropped here.

    Args:
        file (AnnotationFile): The annotation file.
        vocabulary (HOIVocabulary): The vocabulary.

    Attributes:
        rare (List[bool] | None): Rare flag of each class of the vocabulary,
            from ``hoi_categories`` if they have one, else from the
            vocabulary.

    Raises:
        ValueError: If a name or a class is not in the vocabulary, or a human
            is no person; the message names the file, the record, its field
            and the remedy.
    """

    def __init__(
        self, file: AnnotationFile, vocabulary: HOIVocabulary
    ) -> None:
        self.file = file
        self.vocabulary = vocabulary
        self._objects = self._labels(
            'categories', file.objects, file.object_labels(vocabulary)
        )
        self._verbs = self._labels(
            'verbs', file.verbs, file.verb_labels(vocabulary)
        )
        self.rare, self._classes = self._read_classes()
        self._box_labels = self._objects[file.box_labels]
        self._boxes = _Groups(file.box_images, len(file.images))
        self._pairs = _Groups(file.pair_images, len(file.images))
        self._named = _Groups(file.image_hois[:, 0], len(file.images))
        self._hoi_labels = self._read_pairs()

    def boxes(self, index: int) -> Dict[str, np.ndarray]:
        """Return all annotations of an image.

        Args:
            index (int): Index of the image in the file.

        Returns:
            dict: ``bboxes`` (R, 4) float32 xyxy, ``labels`` (R, ) int64,
            ``iscrowd`` and ``hoi_labelled`` (R, ) bool.
        """
        rows = self._boxes[index]
        return dict(
            bboxes=self.file.bboxes[rows],
            labels=self._box_labels[rows],
            iscrowd=self.file.iscrowd[rows],
            hoi_labelled=self.file.hoi_labelled[rows],
        )

    def hois(self, index: int) -> Dict[str, np.ndarray]:
        """Return all interactions of an image.

        Args:
            index (int): Index of the image in the file.

        Returns:
            dict: ``human_rows``, ``object_rows`` (-1 where null),
            ``verb_labels``, ``hoi_labels`` (-1 outside the classes), (P, )
            int64, and ``invisible`` (P, ) bool.
        """
        rows, file = self._pairs[index], self.file
        ranks = np.append(self._boxes.ranks, -1)
        return dict(
            human_rows=ranks[file.human_inds[rows]],
            object_rows=ranks[file.object_inds[rows]],
            verb_labels=self._verbs[file.pair_verbs[rows]],
            hoi_labels=self._hoi_labels[rows],
            invisible=file.invisible[rows],
        )

    def image_labels(self, index: int) -> np.ndarray:
        """Return image-level HOI labels, invisible interactions included.

        Args:
            index (int): Index of the image in the file.

        Returns:
            np.ndarray: Sorted labels, (n, ) int64.
        """
        image_classes = self._classes[
            self.file.image_hois[self._named[index], 1]
        ]
        labels = np.union1d(
            self._hoi_labels[self._pairs[index]], image_classes
        )
        return labels[labels >= 0].astype(np.int64)

    def _labels(
        self, section: str, names: Tuple[str, ...], labels: np.ndarray
    ) -> np.ndarray:
        """Look up labels; refuse names that are unknown or repeated."""
        what = dict(categories='object', verbs='verb')[section]
        first: Dict[int, int] = {}
        for i, label in enumerate(labels.tolist()):
            if label < 0:
                self.file.fail(
                    section,
                    i,
                    'name',
                    f'{names[i]!r} is no {what} of the vocabulary '
                    f'{self.vocabulary.name!r}',
                    'rename it, or give the vocabulary that the file is '
                    'written for',
                )
            if first.setdefault(label, i) != i:
                self.file.fail(
                    section,
                    i,
                    'name',
                    f'{names[i]!r} occurs twice',
                    'make it unique',
                )
        return labels

    def _read_classes(self) -> Tuple[Optional[List[bool]], np.ndarray]:
        vocab, file = self.vocabulary, self.file
        rare = None if vocab.rare is None else vocab.rare.tolist()
        if file.rare is not None:
            rare = rare or [False] * vocab.num_hois
        labels: Dict[int, int] = {}
        for i, (verb, obj) in enumerate(
            zip(self._verbs[file.hoi_verbs], self._objects[file.hoi_objects])
        ):
            label = vocab.hoi_id(verb, obj)
            reason, remedy = 'occurs twice', 'make it unique'
            if label < 0:
                reason = f'is no HOI class of the vocabulary {vocab.name!r}'
                remedy = 'leave it out, or give the vocabulary that has it'
            if label < 0 or labels.setdefault(label, i) != i:
                file.fail(
                    'hoi_categories',
                    i,
                    'verb_id and category_id',
                    f'({vocab.verbs[verb]}, {vocab.objects[obj]}) {reason}',
                    remedy,
                )
            if file.content['hoi_categories'][i].get('rare') is not None:
                rare[label] = bool(file.rare[i])
        return rare, np.array(list(labels), np.int64)

    def _read_pairs(self) -> np.ndarray:
        """Find the HOI label of each ``hois`` row, or -1."""
        vocab, file = self.vocabulary, self.file
        box_labels = np.append(self._box_labels, -1)
        humans = box_labels[file.human_inds]
        objects = box_labels[file.object_inds]
        verbs = self._verbs[file.pair_verbs]
        labels = file.pair_labels(vocab)
        wrong = (file.human_inds >= 0) & (humans != vocab.person_label)
        for i in np.flatnonzero(wrong)[:1]:
            file.fail(
                'hois',
                i,
                'human_ann_id',
                f'annotation {file.content["hois"][i]["human_ann_id"]!r} is a '
                f'{vocab.objects[humans[i]]}, not a person',
                'swap the two ids, or correct the category',
            )
        outside = (labels < 0) & (objects >= 0) & (len(self._classes) > 0)
        for i in np.flatnonzero(outside)[:1]:
            file.fail(
                'hois',
                i,
                'verb_id',
                f'({vocab.verbs[verbs[i]]}, {vocab.objects[objects[i]]}) is '
                f'no HOI class of the vocabulary {vocab.name!r}',
                'drop the row, or give the vocabulary that has it',
            )
        return labels


class _Groups:
    """Rows of each group, in their order.

    Args:
        groups (np.ndarray): Group of each row, (N,) int64.
        number (int): Number of groups.

    Attributes:
        ranks (np.ndarray): Rank of each row in its group, (N,) int64.
    """

    def __init__(self, groups: np.ndarray, number: int) -> None:
        self._order = np.argsort(groups, kind='stable')
        self._starts = np.searchsorted(
            groups[self._order], np.arange(number + 1)
        )
        self.ranks = np.empty(len(groups), np.int64)
        self.ranks[self._order] = np.arange(len(groups)) - np.repeat(
            self._starts[:-1], np.diff(self._starts)
        )

    def __getitem__(self, group: int) -> np.ndarray:
        return self._order[self._starts[group] : self._starts[group + 1]]
