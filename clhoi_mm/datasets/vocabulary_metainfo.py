from typing import Any, Dict, Optional

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

from .palette import make_palette


def vocabulary_metainfo(
    vocabulary: HOIVocabulary, unseen: Optional[np.ndarray]
) -> Dict[str, Any]:
    """Describe a data set's classes by lists, strings, bools and numbers.

    Args:
        vocabulary (HOIVocabulary): The vocabulary.
        unseen (np.ndarray, optional): Classes held out of training, (C,),
            bool.

    Returns:
        Dict[str, Any]: Entries of ``metainfo``, see :class:`HOIDataset`.
    """
    rare = vocabulary.rare
    return dict(
        classes=list(vocabulary.objects),
        palette=make_palette(vocabulary.num_objects),
        verbs=list(vocabulary.verbs),
        hoi_classes=list(vocabulary.names),
        hoi_verbs=vocabulary.hoi_verbs.tolist(),
        hoi_objects=vocabulary.hoi_objects.tolist(),
        rare=None if rare is None else rare.tolist(),
        unseen=None if unseen is None else unseen.tolist(),
        vocabulary=vocabulary.name,
        vocabulary_hash=vocabulary.hash,
    )
