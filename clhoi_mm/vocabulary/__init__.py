from .names import normalize_name, with_article
from .vocabulary import HOIVocabulary
from .zero_shot import ZERO_SHOT_SPLITS, load_zero_shot_split, unseen_classes

__all__ = [
    'HOIVocabulary',
    'ZERO_SHOT_SPLITS',
    'load_zero_shot_split',
    'normalize_name',
    'unseen_classes',
    'with_article',
]
