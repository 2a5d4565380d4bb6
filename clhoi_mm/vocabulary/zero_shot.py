"""Unseen classes of the zero-shot protocols."""

import json
from pathlib import Path
from typing import List, Optional, Sequence, Union

import numpy as np

from .vocabulary import DATA_DIR, HOIVocabulary

ZERO_SHOT_SPLITS = ('rf_uc', 'nf_uc', 'uo', 'uv')


def load_zero_shot_split(name: str) -> List[int]:
    """Load the HOI classes held out of training.

    'rf_uc' (rare first, unseen combinations; 120 classes), 'nf_uc' (non-rare
    first, unseen combinations; 120), 'uo' (unseen objects: all 100 classes of
    12 objects) and 'uv' (unseen verbs: all 84 classes of 20 verbs). In the
    first two each object and each verb is seen in another class. A custom file
    holds a JSON list of labels.

    Args:
        name (str): One of the four, in any case and with '_' or '-', or a
            path that ends in '.json'.

    Returns:
        List[int]: Labels in the vocabulary 'hico_det', or in that of the file,
        ascending.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no such split or the file has other content.
    """
    if str(name).endswith('.json'):
        return _read_labels(Path(name))
    key = str(name).lower().replace('-', '_')
    if key not in ZERO_SHOT_SPLITS:
        raise ValueError(
            f'no zero-shot split {name!r}; there are '
            f'{", ".join(ZERO_SHOT_SPLITS)}, or give the path '
            'of a JSON list of class labels.'
        )
    path = DATA_DIR / 'zero_shot' / 'hico_det.json'
    return json.loads(path.read_text(encoding='utf-8'))['unseen'][key]


def _read_labels(path: Path) -> List[int]:
    if not path.is_file():
        raise FileNotFoundError(
            f'{path}: no such file; it should hold a JSON list of the labels '
            'of classes that training must not see.'
        )
    try:
        labels = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path}: not valid JSON ({error}).') from error
    if not isinstance(labels, list) or not all(
        type(label) is int for label in labels
    ):
        raise ValueError(
            f'{path}: not a list of class labels, such as [3, 17].'
        )
    return sorted(set(labels))


def unseen_classes(
    unseen: Optional[Union[str, Sequence[int]]], vocabulary: HOIVocabulary
) -> Optional[np.ndarray]:
    """Flag the classes held out of training.

    Args:
        unseen (str | Sequence[int], optional): A protocol of HICO-DET or a
            JSON file, see :func:`load_zero_shot_split`, or labels of classes.
        vocabulary (HOIVocabulary): Vocabulary with the classes.

    Returns:
        np.ndarray | None: (C, ) bool, None where no class is unseen.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the protocol is unknown or does not fit the
            vocabulary, or a label is out of range.
    """
    if unseen is None:
        return None
    if isinstance(unseen, str):
        if not unseen.endswith('.json') and vocabulary != HOIVocabulary.load(
            'hico_det'
        ):
            raise ValueError(
                f'the zero-shot split {unseen!r} names classes '
                f'of HICO-DET, but the vocabulary is '
                f'{vocabulary.name!r}; give labels.'
            )
        unseen = load_zero_shot_split(unseen)
    labels = np.asarray(unseen, np.int64)
    if ((labels < 0) | (labels >= vocabulary.num_hois)).any():
        raise ValueError(
            'labels of unseen classes must lie in '
            f'0..{vocabulary.num_hois - 1}.'
        )
    flags = np.zeros(vocabulary.num_hois, bool)
    flags[labels] = True
    return flags
