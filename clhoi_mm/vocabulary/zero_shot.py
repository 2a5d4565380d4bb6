"""Which classes of HICO-DET the zero-shot protocols leave unseen."""
import json
from typing import List, Optional, Sequence, Union

import numpy as np

from .vocabulary import DATA_DIR, HOIVocabulary

ZERO_SHOT_SPLITS = ('rf_uc', 'nf_uc', 'uo', 'uv')


def load_zero_shot_split(name: str) -> List[int]:
    """The HOI classes that training must not see.

    'rf_uc' (rare first, unseen combinations; 120 classes), 'nf_uc' (non-rare
    first, unseen combinations; 120), 'uo' (unseen objects: all 100 classes of
    12 objects) and 'uv' (unseen verbs: all 84 classes of 20 verbs). In the
    first two each object and each verb is seen in another class.

    Args:
        name (str): One of the four; '-' and upper case are read as well.

    Returns:
        List[int]: Labels in the vocabulary 'hico_det', ascending.

    Raises:
        ValueError: There is no such split.
    """
    key = str(name).lower().replace('-', '_')
    if key not in ZERO_SHOT_SPLITS:
        raise ValueError(f'no zero-shot split {name!r}; there are '
                         f'{", ".join(ZERO_SHOT_SPLITS)}.')
    path = DATA_DIR / 'zero_shot' / 'hico_det.json'
    return json.loads(path.read_text(encoding='utf-8'))['unseen'][key]


def unseen_classes(unseen: Optional[Union[str, Sequence[int]]],
                   vocabulary: HOIVocabulary) -> Optional[np.ndarray]:
    """Flags the classes that training must not see.

    Args:
        unseen (str | Sequence[int], optional): A protocol of HICO-DET, as
            :func:`load_zero_shot_split` takes it, or labels of classes.
        vocabulary (HOIVocabulary): Has the classes.

    Returns:
        np.ndarray | None: (C, ) bool, None where nothing is unseen.

    Raises:
        ValueError: The protocol is unknown or another data set's, or a label
            is out of range.
    """
    if unseen is None:
        return None
    if isinstance(unseen, str):
        if vocabulary != HOIVocabulary.load('hico_det'):
            raise ValueError(f'the zero-shot split {unseen!r} names classes '
                             f'of HICO-DET, but the vocabulary is '
                             f'{vocabulary.name!r}; give labels.')
        unseen = load_zero_shot_split(unseen)
    labels = np.asarray(unseen, np.int64)
    if ((labels < 0) | (labels >= vocabulary.num_hois)).any():
        raise ValueError('labels of unseen classes must lie in '
                         f'0..{vocabulary.num_hois - 1}.')
    flags = np.zeros(vocabulary.num_hois, bool)
    flags[labels] = True
    return flags
