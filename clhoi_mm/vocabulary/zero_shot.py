"""Which classes of HICO-DET the zero-shot protocols leave unseen."""
import json
from typing import List

from .vocabulary import DATA_DIR

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
