"""Image of HICO-DET, independent of the source format."""

import re
from dataclasses import dataclass, field
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

_NAME = re.compile(r'HICO_(train|test)2015_(\d+)\.\w+')


@dataclass
class HICOImage:
    """Content of one record.

    Args:
        where (str): File and record, for error messages.
        file_name (str): Name such as 'HICO_test2015_00000001.jpg'.
        size (Tuple[int, int], optional): Width and height; None if the
            source has none.
        bboxes (np.ndarray): (B, 4) 1-based inclusive pixels, xyxy, as in all
            sources.
        labels (np.ndarray): (B, ) object labels.
        pairs (np.ndarray): (P, 3) rows of the indices of the person's and
            the object's box, and the HOI label.
        invisible (List[int]): HOI labels of interactions without boxes.
    """

    where: str
    file_name: str
    size: Optional[Tuple[int, int]]
    bboxes: np.ndarray
    labels: np.ndarray
    pairs: np.ndarray
    invisible: List[int] = field(default_factory=list)

    @classmethod
    def from_lists(
        cls,
        where: str,
        file_name: Any,
        size: Optional[Sequence[Any]],
        bboxes: Sequence[Sequence[float]],
        labels: Sequence[int],
        pairs: Sequence[Tuple[int, int, int]],
        invisible: Sequence[int] = (),
    ) -> 'HICOImage':
        """Build an image from plain lists.

        Raises:
            ValueError: If the name is none of HICO-DET's, the size is not two
                positive numbers, or a box is not four numbers.
        """
        if not _NAME.fullmatch(str(file_name)):
            raise ValueError(
                f'{where}: {file_name!r} is no name of an image '
                'of HICO-DET (HICO_test2015_00000001.jpg).'
            )
        if size is not None and (len(size) != 2 or min(size) < 1):
            raise ValueError(
                f'{where}, {file_name}: size {list(size)} is no '
                'width and height in pixels.'
            )
        try:
            boxes = np.array(bboxes, np.float64).reshape(len(bboxes), 4)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f'{where}, {file_name}: a box is not four numbers ({error}).'
            ) from error
        return cls(
            where,
            file_name,
            None if size is None else (int(size[0]), int(size[1])),
            boxes,
            np.array(labels, np.int64),
            np.array(pairs, np.int64).reshape(-1, 3),
            list(invisible),
        )

    @property
    def split(self) -> str:
        """Split of the image, 'train' or 'test'."""
        return _NAME.fullmatch(self.file_name).group(1)

    @property
    def number(self) -> int:
        """Number in the file's name."""
        return int(_NAME.fullmatch(self.file_name).group(2))

    @property
    def continuous_bboxes(self) -> np.ndarray:
        """Boxes in zero-based continuous pixels, (B, 4)."""
        return self.bboxes - (1, 1, 0, 0)

    def faults(self, vocabulary: HOIVocabulary) -> Tuple[np.ndarray, str]:
        """Find pairs that contradict their boxes or classes.

        Args:
            vocabulary (HOIVocabulary): HICO-DET's.

        Returns:
            tuple: Flags, (P, ) bool, and a description of the first fault.
        """
        human, obj, hoi = self.pairs.T
        num = len(self.bboxes)
        outside = (self.pairs[:, :2] < 0) | (self.pairs[:, :2] >= num)
        outside = outside.any(1)
        unknown = (hoi < 0) | (hoi >= vocabulary.num_hois)
        # One more valid box, of no class, for invalid indices.
        finite = np.isfinite(self.bboxes).all(1)
        empty = ~finite | (self.bboxes[:, 2:] < self.bboxes[:, :2]).any(1)
        empty = np.append(empty, False)
        labels = np.append(self.labels, -1)
        human, obj = (np.where(outside, num, rows) for rows in (human, obj))
        expected = vocabulary.hoi_objects[np.where(unknown, 0, hoi)]
        checks = [
            (outside, 'points to a box that is not there'),
            (unknown, f'its class is none of {vocabulary.num_hois}'),
            (empty[human] | empty[obj], 'a box ends before it begins'),
            (
                labels[human] != vocabulary.person_label,
                'its person is no person',
            ),
            (labels[obj] != expected, "its object is not its class's"),
        ]
        for bad, reason in checks:
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                any_bad = np.any([bad for bad, _ in checks], 0)
                return any_bad, (
                    f'{self.where}, {self.file_name}, pair {row} '
                    f'{self.pairs[row].tolist()}: {reason}'
                )
        return np.zeros(len(self.pairs), bool), ''
