"""Interaction classes as evaluation needs them."""

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np

_METAINFO = ('hoi_classes', 'hoi_objects', 'rare', 'vocabulary_hash')


@dataclass(frozen=True)
class HOIClasses:
    """The interaction classes, C of them.

    Args:
        names (tuple[str]): Names such as 'ride bicycle', C of them.
        objects (np.ndarray): Object of each class, (C,) int64.
        rare (np.ndarray, optional): Rare classes, (C,) bool; None where this
            is unknown.
        vocabulary_hash (str): Hash of the vocabulary.
    """

    names: Tuple[str, ...]
    objects: np.ndarray
    rare: Optional[np.ndarray]
    vocabulary_hash: str

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def from_vocabulary(cls, vocabulary: Any) -> 'HOIClasses':
        """Take the classes of an `HOIVocabulary`."""
        return cls(
            tuple(vocabulary.names),
            vocabulary.hoi_objects,
            vocabulary.rare,
            vocabulary.hash,
        )

    @classmethod
    def from_metainfo(cls, metainfo: Mapping[str, Any]) -> 'HOIClasses':
        """Take the classes from the metainfo of a `HOIDataset`.

        Raises:
            ValueError: If the metainfo has no interaction classes.
        """
        missing = [key for key in _METAINFO if key not in metainfo]
        if missing:
            raise ValueError(
                f"the data set's metainfo lacks {', '.join(missing)}, so its "
                'interaction classes are not known. Use a HOIDataset, or set '
                "vocabulary='hico_det' (a name or a JSON file) in the "
                'evaluator.'
            )
        names, objects, rare, vocabulary_hash = (
            metainfo[key] for key in _METAINFO
        )
        return cls(
            tuple(names),
            np.asarray(objects, dtype=np.int64),
            None if rare is None else np.asarray(rare, dtype=bool),
            vocabulary_hash,
        )


def class_subsets(
    num: int,
    rare: Optional[np.ndarray] = None,
    unseen: Optional[np.ndarray] = None,
) -> Dict[str, np.ndarray]:
    """List the subsets of classes over which means are taken.

    Args:
        num (int): Number of classes C.
        rare (np.ndarray, optional): Rare classes, (C,) bool.
        unseen (np.ndarray, optional): Classes held out of zero-shot training,
            (C,) bool.

    Returns:
        dict[str, np.ndarray]: Suffix of a metric's name to (C,) bool: '' for
        all, '_rare' and '_non_rare', '_unseen' and '_seen' where known.
    """
    subsets = {'': np.ones(num, dtype=bool)}
    if rare is not None:
        subsets.update(_rare=rare, _non_rare=~rare)
    if unseen is not None:
        subsets.update(_unseen=unseen, _seen=~unseen)
    return subsets
