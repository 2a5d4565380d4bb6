"""What scoring needs to know of the interaction classes."""

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np

_METAINFO = ('hoi_classes', 'hoi_objects', 'rare', 'vocabulary_hash')


@dataclass(frozen=True)
class HOIClasses:
    """The interaction classes, C of them.

    Args:
        names (tuple[str]): As in 'ride bicycle', C.
        objects (np.ndarray): Object of each class, (C,) int64.
        rare (np.ndarray, optional): Which ones are rare, (C,) bool; None
            where nothing is known of it.
        vocabulary_hash (str): Tells vocabularies apart.
    """

    names: Tuple[str, ...]
    objects: np.ndarray
    rare: Optional[np.ndarray]
    vocabulary_hash: str

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def from_vocabulary(cls, vocabulary: Any) -> 'HOIClasses':
        """Takes them from a `HOIVocabulary`."""
        return cls(
            tuple(vocabulary.names),
            vocabulary.hoi_objects,
            vocabulary.rare,
            vocabulary.hash,
        )

    @classmethod
    def from_metainfo(cls, metainfo: Mapping[str, Any]) -> 'HOIClasses':
        """Takes them from the metainfo of a `HOIDataset`.

        Raises:
            ValueError: The metainfo tells nothing of interaction classes.
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
    """The sets of classes over which means are taken.

    Args:
        num (int): Number of classes C.
        rare (np.ndarray, optional): Which ones are rare, (C,) bool.
        unseen (np.ndarray, optional): Which ones zero-shot training did
            without, (C,) bool.

    Returns:
        dict[str, np.ndarray]: Ending of a figure's name to (C,) bool: '' for
        all, '_rare' and '_non_rare', '_unseen' and '_seen' where known.
    """
    subsets = {'': np.ones(num, dtype=bool)}
    if rare is not None:
        subsets.update(_rare=rare, _non_rare=~rare)
    if unseen is not None:
        subsets.update(_unseen=unseen, _seen=~unseen)
    return subsets
